"""The Python client: what it decides, without I/O, and the two ways in which httpx carries it out.

``course.py`` says what is to be done next, step by step; ``async_steps.py`` and ``sync_steps.py``
do it.  Users import from `pulse_events` and `pulse_events.sync`, which load it all when
it is needed.
"""
