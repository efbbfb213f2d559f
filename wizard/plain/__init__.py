"""The wizard line by line: the same flow as the screens, for screen readers, dumb terminals and serial lines.

Invariant: what is written is printable text and line ends, nothing else. No colour, no cursor
movement; every change of state is a sentence.
"""
