/* port.h - who holds a port of this machine? */
#ifndef DEVENV_PORT_H
#define DEVENV_PORT_H

#include <stdint.h>

/*
 * "mariadbd (pid 812)" for the process that listens on `port`, or NULL when that cannot be told:
 * not Linux, or the process is another user's. The caller's.
 */
char *port_holder(uint16_t port);

#endif
