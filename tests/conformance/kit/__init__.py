"""The conformance kit: tests a client in any language with the ten steps of docs/protocol.md, section 11.

README.md beside this file describes the commands for the program under test.
"""
