"""The command line: prints for people, computes nothing."""
