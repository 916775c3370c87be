"""What a request may do, before it is routed: whose it is, how much that address may have and ask.

Pure; `web/gate.py` takes these steps for a request.
"""
