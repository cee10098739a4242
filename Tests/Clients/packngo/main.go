// Drives packngo, the Go client of the Packet era as Debian packages it: at the root of the API. Conversions are the library's
// own function, DeviceToNetworkType.
//
// Requests and answers are lines of JSON; ../README.md has the table of them.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"github.com/packethost/packngo"
)

type request struct {
	Op          string
	Token       string
	Project     string
	Name        string
	Hostname    string
	Plan        string
	Facility    string
	Device      string
	Description string
	Tags        []string
	Action      string
	PerPage     int `json:"per_page"`
	Network     *string
	To          string
	Port        string
	Label       string
	Key         string
}

type port struct {
	Bonded   bool     `json:"bonded"`
	Networks []string `json:"networks"`
	Native   *string  `json:"native"`
}

type device struct {
	ID          string          `json:"id"`
	Hostname    string          `json:"hostname"`
	State       string          `json:"state"`
	Description *string         `json:"description"` // The library's device has none.
	Tags        []string        `json:"tags"`
	Mode        string          `json:"mode"`
	Ports       map[string]port `json:"ports"`
	Addresses   []string        `json:"addresses"`
}

type network struct {
	ID    string `json:"id"`
	VXLAN int    `json:"vxlan"`
}

type sshKey struct {
	ID          string `json:"id"`
	Label       string `json:"label"`
	Key         string `json:"key"`
	Fingerprint string `json:"fingerprint"`
}

func shown(key *packngo.SSHKey, err error) (interface{}, error) {
	if err != nil {
		return nil, err
	}
	return sshKey{key.ID, key.Label, key.Key, key.FingerPrint}, nil
}

type project struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func connect(token string) *packngo.Client {
	client, err := packngo.NewClientWithBaseURL("toprack", token, nil, "https://"+os.Getenv("TOPRACK_ENDPOINT")+"/")
	if err != nil {
		panic(err)
	}
	return client
}

var client = connect(os.Getenv("TOPRACK_TOKEN"))

// described reads the device anew: the library's device names VLANs only when they are included.
func described(id string) (*device, error) {
	found, _, err := client.Devices.Get(id, &packngo.GetOptions{Includes: []string{"virtual_networks", "native_virtual_network"}})
	if err != nil {
		return nil, err
	}
	shown := &device{
		ID: found.ID, Hostname: found.Hostname, State: found.State, Tags: found.Tags, Mode: found.NetworkType,
		Ports: map[string]port{}, Addresses: []string{},
	}
	for _, each := range found.NetworkPorts {
		seen := port{Bonded: each.Data.Bonded, Networks: []string{}}
		for _, attached := range each.AttachedVirtualNetworks {
			seen.Networks = append(seen.Networks, attached.ID)
		}
		if each.NativeVirtualNetwork != nil {
			seen.Native = &each.NativeVirtualNetwork.ID
		}
		shown.Ports[each.Name] = seen
	}
	for _, address := range found.Network {
		shown.Addresses = append(shown.Addresses, address.Address)
	}
	return shown, nil
}

// assignment is what the library wants to be told of a VLAN and a port by its name.
func assignment(r request) (*packngo.PortAssignRequest, error) {
	found, err := client.DevicePorts.GetPortByName(r.Device, r.Port)
	if err != nil {
		return nil, err
	}
	named := &packngo.PortAssignRequest{PortID: found.ID}
	if r.Network != nil {
		named.VirtualNetworkID = *r.Network
	}
	return named, nil
}

// onPort does something with a port and a VLAN and shows the device afterwards.
func onPort(r request, do func(*packngo.PortAssignRequest) (*packngo.Port, *packngo.Response, error)) (interface{}, error) {
	named, err := assignment(r)
	if err != nil {
		return nil, err
	}
	if _, _, err = do(named); err != nil {
		return nil, err
	}
	return described(r.Device)
}

func perform(r request) (interface{}, error) {
	switch r.Op {
	case "user":
		asking := client
		if r.Token != "" {
			asking = connect(r.Token)
		}
		user, _, err := asking.Users.Current()
		if err != nil {
			return nil, err
		}
		return user.ID, nil
	case "projects":
		found, _, err := client.Projects.List(nil)
		ids := []string{}
		for _, each := range found {
			ids = append(ids, each.ID)
		}
		return ids, err
	case "create_project":
		made, _, err := client.Projects.Create(&packngo.ProjectCreateRequest{Name: r.Name})
		if err != nil {
			return nil, err
		}
		return project{made.ID, made.Name}, nil
	case "rename_project":
		changed, _, err := client.Projects.Update(r.Project, &packngo.ProjectUpdateRequest{Name: &r.Name})
		if err != nil {
			return nil, err
		}
		return project{changed.ID, changed.Name}, nil
	case "delete_project":
		_, err := client.Projects.Delete(r.Project)
		return nil, err
	case "catalogue":
		return catalogue()
	case "create_device":
		made, _, err := client.Devices.Create(&packngo.DeviceCreateRequest{
			Hostname: r.Hostname, Plan: r.Plan, Facility: []string{r.Facility}, OS: "debian_12", BillingCycle: "hourly",
			ProjectID: r.Project,
		})
		if err != nil {
			return nil, err
		}
		return described(made.ID)
	case "device":
		return described(r.Device)
	case "update_device":
		_, _, err := client.Devices.Update(r.Device, &packngo.DeviceUpdateRequest{Description: &r.Description, Tags: &r.Tags})
		if err != nil {
			return nil, err
		}
		return described(r.Device)
	case "power":
		do := map[string]func(string) (*packngo.Response, error){
			"off": client.Devices.PowerOff, "on": client.Devices.PowerOn, "reboot": client.Devices.Reboot,
		}[r.Action]
		_, err := do(r.Device)
		return nil, err
	case "delete_device":
		_, err := client.Devices.Delete(r.Device)
		return nil, err
	case "all_devices":
		// Without a page of its own, List follows the links to the end.
		found, _, err := client.Devices.List(r.Project, &packngo.ListOptions{PerPage: r.PerPage})
		hostnames := []string{}
		for _, each := range found {
			hostnames = append(hostnames, each.Hostname)
		}
		return map[string]interface{}{"hostnames": hostnames}, err
	case "create_network":
		made, _, err := client.ProjectVirtualNetworks.Create(
			&packngo.VirtualNetworkCreateRequest{ProjectID: r.Project, Facility: r.Facility})
		if err != nil {
			return nil, err
		}
		return network{made.ID, made.VXLAN}, nil
	case "networks":
		found, _, err := client.ProjectVirtualNetworks.List(r.Project, nil)
		if err != nil {
			return nil, err
		}
		networks := []network{}
		for _, each := range found.VirtualNetworks {
			networks = append(networks, network{each.ID, each.VXLAN})
		}
		return networks, nil
	case "delete_network":
		_, err := client.ProjectVirtualNetworks.Delete(*r.Network)
		return nil, err
	case "convert":
		if _, err := client.DevicePorts.DeviceToNetworkType(r.Device, r.To); err != nil {
			return nil, err
		}
		return described(r.Device)
	case "add_key":
		made, _, err := client.SSHKeys.Create(&packngo.SSHKeyCreateRequest{Label: r.Label, Key: r.Key, ProjectID: r.Project})
		return shown(made, err)
	case "keys":
		found, _, err := client.SSHKeys.List()
		labels := []string{}
		for _, each := range found {
			labels = append(labels, each.Label)
		}
		return labels, err
	case "rename_key":
		changed, _, err := client.SSHKeys.Update(r.Key, &packngo.SSHKeyUpdateRequest{Label: &r.Label})
		return shown(changed, err)
	case "delete_key":
		_, err := client.SSHKeys.Delete(r.Key)
		return nil, err
	case "device_keys":
		found, _, err := client.Devices.Get(r.Device, &packngo.GetOptions{Includes: []string{"ssh_keys"}})
		if err != nil {
			return nil, err
		}
		ids := []string{}
		for _, each := range found.SSHKeys {
			ids = append(ids, each.ID)
		}
		return ids, nil
	case "attach":
		return onPort(r, client.DevicePorts.Assign)
	case "detach":
		return onPort(r, client.DevicePorts.Unassign)
	case "native":
		if r.Network != nil {
			return onPort(r, client.DevicePorts.AssignNative)
		}
		return onPort(r, func(named *packngo.PortAssignRequest) (*packngo.Port, *packngo.Response, error) {
			return client.DevicePorts.UnassignNative(named.PortID)
		})
	}
	return nil, fmt.Errorf("packngo cannot do %q", r.Op)
}

func catalogue() (interface{}, error) {
	facilities, _, err := client.Facilities.List(nil)
	if err != nil {
		return nil, err
	}
	plans, _, err := client.Plans.List(nil)
	if err != nil {
		return nil, err
	}
	systems, _, err := client.OperatingSystems.List()
	if err != nil {
		return nil, err
	}
	named := map[string][]string{}
	for _, each := range facilities {
		named["facilities"] = append(named["facilities"], each.Code)
	}
	for _, each := range plans {
		named["plans"] = append(named["plans"], each.Slug)
	}
	for _, each := range systems {
		named["operating_systems"] = append(named["operating_systems"], each.Slug)
	}
	return named, nil
}

func describe(err error) map[string]interface{} {
	described := map[string]interface{}{"class": fmt.Sprintf("%T", err), "status": nil, "texts": []string{err.Error()}}
	if answer, ok := err.(*packngo.ErrorResponse); ok {
		texts := answer.Errors
		if answer.SingleError != "" {
			texts = append(texts, answer.SingleError)
		}
		described["status"], described["texts"] = answer.Response.StatusCode, texts
	}
	return described
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	answers := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var r request
		answer := map[string]interface{}{}
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			panic(err)
		}
		if result, err := perform(r); err != nil {
			answer["error"] = describe(err)
		} else {
			answer["result"] = result
		}
		answers.Encode(answer)
	}
}
