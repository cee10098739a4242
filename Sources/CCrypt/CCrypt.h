/* CCrypt: crypt(5) for Swift. libxcrypt is the libcrypt of Debian, where no system is without it. Declarations only;
 * nothing here is code of ours. */
#ifndef CCRYPT_H
#define CCRYPT_H

#include <crypt.h>

#endif
