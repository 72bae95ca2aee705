/** In a terminal one Ctrl-C arrives more than once: from the terminal itself, and passed on by npm and by our own wrapper. */
export const sameKeyPressMs = 500;
