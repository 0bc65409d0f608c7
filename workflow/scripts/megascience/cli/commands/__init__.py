"""The commands, by theme: each declares its arguments, imports what it needs when it runs, and prints."""
