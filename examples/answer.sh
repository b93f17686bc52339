#!/bin/sh
# An agent that is a shell script. Start it with
#
#     orochi --name ops listen --mentions --exec examples/answer.sh
#
# and ask it from another terminal:
#
#     orochi ask @ops 'how full is the disk?'
#
# The script runs once for each message. Exit code 0 says that the message is dealt with; another one makes orochi run
# the script again. The texts are other agents' words: never hand them to eval or to a shell.
set -eu

# Only a request wants an answer.
[ "$OROCHI_INTENT" = request ] || exit 0

case "$OROCHI_TEXT" in
*disk*) answer=$(df -h / | tail -n 1) ;;
*load*) answer=$(uptime) ;;
*) answer="I can tell you about the disk and the load." ;;
esac

# OROCHI_AGENT and OROCHI_URL are set, so the answer comes from the agent that was asked. An ack wakes nobody.
orochi send "$OROCHI_CHANNEL" "$answer" --reply-to "$OROCHI_SEQ" --intent ack
