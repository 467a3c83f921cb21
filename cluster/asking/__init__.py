"""Questions that nodes ask each other beside what they replicate, and their answers.

A link has one direction: its dialer asks, the listener answers. What a question says is octets
here; who asks and who answers agree on them by its subject.
"""
