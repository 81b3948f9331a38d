/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The channel: the agent's file on a connection whose handshake it does.
 */
#ifndef SLUICE_CHANNEL_H
#define SLUICE_CHANNEL_H

struct file;
struct sluice_hs;

/** sluice_channel_create() - a channel without a connection: closing it harms no request.
 * Return: the file, not yet in any descriptor table, or ERR_PTR.
 */
struct file *sluice_channel_create(void);

/** sluice_channel_attach() - give it @hs, whose reference it takes over: from now on
 * closing the file abandons the handshake. Before anybody else sees the file.
 */
void sluice_channel_attach(struct file *file, struct sluice_hs *hs);

/** sluice_channel_hs() - the handshake of a file, valid while the caller holds the file;
 * NULL: not a channel
 */
struct sluice_hs *sluice_channel_hs(struct file *file);

#endif
