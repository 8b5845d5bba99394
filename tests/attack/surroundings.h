/*
 * Machines that give less than this one: a process is put in the position of a daemon there, before
 * it starts anything. Cannot be undone.
 */
#pragma once

#include <stdbool.h>

/* Names and what they stand for:
 *   native       this machine, as whoever runs the test
 *   nonroot      an ordinary user (65534) without a cgroup of its own
 *   container    the default profile of a container runtime: no namespaces, no mounts, no cgroup
 *   userns       an ordinary user where user namespaces are forbidden
 *   old          the same on a kernel without Landlock
 *   no-landlock  a container on a kernel without Landlock
 *   namespaces-only  this machine with a kernel without Landlock
 *   no-seccomp   a container whose outer filter refuses filters
 * False: no such name, or this machine cannot even simulate it; said on stderr. */
bool attack_surroundings(const char *name);

/* Whether they refuse this system call by themselves, so that our filter is not asked. */
bool attack_refused_outside(const char *call);
