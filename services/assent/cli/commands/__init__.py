"""The commands of `assent`: a module for each noun, with what its commands take and what they do.

What a command needs is imported when it runs, so that `--help` and a slip of the keyboard are answered at
once.
"""
