/* Between the files of the warden's port and the one of programs. */
#pragma once

#include "skills/warden_impl.h"

/* True if the message of the warden was about a program; then `fd` (-1: none) is taken over. */
bool nf_program_message(struct nf_warden *w, const struct nf_control *c, int fd);
/* The warden is gone, and every program with it. */
void nf_programs_lost(struct nf_warden *w, const struct nf_err *why);
