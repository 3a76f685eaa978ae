/* port.h - is a port of this machine free, and who holds it? */
#ifndef DEVENV_PORT_H
#define DEVENV_PORT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Could a server bind it now? `address` is IPv4 or IPv6; "" for all of IPv4. What cannot be told
 * (no such address, a privileged port) counts as free: whoever binds it will hear.
 */
bool port_is_free(const char *address, uint16_t port, bool udp);

/*
 * "mariadbd (pid 812)" for the process that listens on `port`, or NULL when that cannot be told:
 * not Linux, or the process is another user's. The caller's.
 */
char *port_holder(uint16_t port);

#endif
