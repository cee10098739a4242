#include "CPortal.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char attach_mustache[] = {
#embed "../API/Portal/Assets/attach.mustache"
};
static const unsigned char capture_js[] = {
#embed "../API/Portal/Assets/capture.js"
};
static const unsigned char capture_mustache[] = {
#embed "../API/Portal/Assets/capture.mustache"
};
static const unsigned char console_mustache[] = {
#embed "../API/Portal/Assets/console.mustache"
};
static const unsigned char error_mustache[] = {
#embed "../API/Portal/Assets/error.mustache"
};
static const unsigned char fault_mustache[] = {
#embed "../API/Portal/Assets/fault.mustache"
};
static const unsigned char foot_mustache[] = {
#embed "../API/Portal/Assets/foot.mustache"
};
static const unsigned char head_mustache[] = {
#embed "../API/Portal/Assets/head.mustache"
};
static const unsigned char icon_svg[] = {
#embed "../API/Portal/Assets/icon.svg"
};
static const unsigned char ips_mustache[] = {
#embed "../API/Portal/Assets/ips.mustache"
};
static const unsigned char lab_mustache[] = {
#embed "../API/Portal/Assets/lab.mustache"
};
static const unsigned char lab_confirm_mustache[] = {
#embed "../API/Portal/Assets/lab-confirm.mustache"
};
static const unsigned char lab_diff_mustache[] = {
#embed "../API/Portal/Assets/lab-diff.mustache"
};
static const unsigned char lab_new_mustache[] = {
#embed "../API/Portal/Assets/lab-new.mustache"
};
static const unsigned char labs_mustache[] = {
#embed "../API/Portal/Assets/labs.mustache"
};
static const unsigned char mirrors_mustache[] = {
#embed "../API/Portal/Assets/mirrors.mustache"
};
static const unsigned char networks_tabs_mustache[] = {
#embed "../API/Portal/Assets/networks-tabs.mustache"
};
static const unsigned char networks_mustache[] = {
#embed "../API/Portal/Assets/networks.mustache"
};
static const unsigned char nic_mustache[] = {
#embed "../API/Portal/Assets/nic.mustache"
};
static const unsigned char pages_mustache[] = {
#embed "../API/Portal/Assets/pages.mustache"
};
static const unsigned char picture_mustache[] = {
#embed "../API/Portal/Assets/picture.mustache"
};
static const unsigned char portal_css[] = {
#embed "../API/Portal/Assets/portal.css"
};
static const unsigned char portal_js[] = {
#embed "../API/Portal/Assets/portal.js"
};
static const unsigned char projects_mustache[] = {
#embed "../API/Portal/Assets/projects.mustache"
};
static const unsigned char rack_file_mustache[] = {
#embed "../API/Portal/Assets/rack-file.mustache"
};
static const unsigned char rack_mustache[] = {
#embed "../API/Portal/Assets/rack.mustache"
};
static const unsigned char server_delete_mustache[] = {
#embed "../API/Portal/Assets/server-delete.mustache"
};
static const unsigned char server_network_mustache[] = {
#embed "../API/Portal/Assets/server-network.mustache"
};
static const unsigned char server_new_mustache[] = {
#embed "../API/Portal/Assets/server-new.mustache"
};
static const unsigned char server_tabs_mustache[] = {
#embed "../API/Portal/Assets/server-tabs.mustache"
};
static const unsigned char server_mustache[] = {
#embed "../API/Portal/Assets/server.mustache"
};
static const unsigned char servers_mustache[] = {
#embed "../API/Portal/Assets/servers.mustache"
};
static const unsigned char sign_in_mustache[] = {
#embed "../API/Portal/Assets/sign-in.mustache"
};
static const unsigned char ssh_keys_mustache[] = {
#embed "../API/Portal/Assets/ssh-keys.mustache"
};
static const unsigned char terminal_js[] = {
#embed "../API/Portal/Assets/terminal.js"
};
static const unsigned char token_mustache[] = {
#embed "../API/Portal/Assets/token.mustache"
};

#define ASSET(file, bytes) {file, bytes, sizeof bytes}

static const struct toprack_asset assets[] = {
    ASSET("attach.mustache", attach_mustache),
    ASSET("capture.js", capture_js),
    ASSET("capture.mustache", capture_mustache),
    ASSET("console.mustache", console_mustache),
    ASSET("error.mustache", error_mustache),
    ASSET("fault.mustache", fault_mustache),
    ASSET("foot.mustache", foot_mustache),
    ASSET("head.mustache", head_mustache),
    ASSET("icon.svg", icon_svg),
    ASSET("ips.mustache", ips_mustache),
    ASSET("lab.mustache", lab_mustache),
    ASSET("lab-confirm.mustache", lab_confirm_mustache),
    ASSET("lab-diff.mustache", lab_diff_mustache),
    ASSET("lab-new.mustache", lab_new_mustache),
    ASSET("labs.mustache", labs_mustache),
    ASSET("mirrors.mustache", mirrors_mustache),
    ASSET("networks-tabs.mustache", networks_tabs_mustache),
    ASSET("networks.mustache", networks_mustache),
    ASSET("nic.mustache", nic_mustache),
    ASSET("pages.mustache", pages_mustache),
    ASSET("picture.mustache", picture_mustache),
    ASSET("portal.css", portal_css),
    ASSET("portal.js", portal_js),
    ASSET("projects.mustache", projects_mustache),
    ASSET("rack-file.mustache", rack_file_mustache),
    ASSET("rack.mustache", rack_mustache),
    ASSET("server-delete.mustache", server_delete_mustache),
    ASSET("server-network.mustache", server_network_mustache),
    ASSET("server-new.mustache", server_new_mustache),
    ASSET("server-tabs.mustache", server_tabs_mustache),
    ASSET("server.mustache", server_mustache),
    ASSET("servers.mustache", servers_mustache),
    ASSET("sign-in.mustache", sign_in_mustache),
    ASSET("ssh-keys.mustache", ssh_keys_mustache),
    ASSET("terminal.js", terminal_js),
    ASSET("token.mustache", token_mustache),
};

const struct toprack_asset *_Nonnull toprack_portal_assets(void) { return assets; }
size_t toprack_portal_asset_count(void) { return sizeof assets / sizeof *assets; }
