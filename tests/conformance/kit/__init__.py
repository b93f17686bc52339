"""The conformance kit: takes a client in any language through the ten steps of docs/protocol.md, section 11.

README.md beside this file tells what the program under test must do.
"""
