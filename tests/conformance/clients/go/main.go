// A client of the wire protocol that the conformance kit drives over stdin and stdout.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sync"
)

type command struct {
	Do       string   `json:"do"`
	URL      string   `json:"url"`
	Token    string   `json:"token"`
	Name     string   `json:"name"`
	Channels []string `json:"channels"`
	Channel  string   `json:"channel"`
	Key      string   `json:"key"`
	Content  string   `json:"content"`
	Seq      uint64   `json:"seq"`
}

var telling sync.Mutex

// tell writes one event.
func tell(event object) {
	text, err := json.Marshal(event)
	if err != nil {
		panic(err)
	}
	telling.Lock()
	defer telling.Unlock()
	os.Stdout.Write(append(text, '\n'))
}

func main() {
	var running *client
	finished := make(chan struct{})
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var given command
		if err := json.Unmarshal(line, &given); err != nil {
			panic(err)
		}
		if given.Do == "connect" {
			running = newClient(given.URL, given.Token, given.Name, given.Channels)
			go func() {
				running.run()
				close(finished)
			}()
			continue
		}
		if running != nil {
			select {
			case running.commands <- func() { running.do(given) }:
			case <-finished:
			}
		}
		if given.Do == "close" {
			if running != nil {
				<-finished
			}
			return
		}
	}
}

func (c *client) do(given command) {
	switch given.Do {
	case "join":
		c.request("subscribe", object{"channel": given.Channel}, func(answer payload, isAck bool) {
			if isAck {
				c.channels = append(c.channels, given.Channel)
				c.joined[given.Channel] = answer.Seq
				tell(object{"event": "joined", "channel": given.Channel})
			}
		})
	case "send":
		said := object{"channel": given.Channel, "content": given.Content}
		c.request("message", said, func(answer payload, isAck bool) {
			if isAck {
				tell(object{"event": "acked", "key": given.Key, "seq": answer.Seq})
			} else {
				tell(object{"event": "refused", "key": given.Key, "code": answer.Code})
			}
		})
	case "seen":
		c.request("heartbeat", object{"seen": given.Seq}, func(payload, bool) {})
	case "close":
		c.over = true
	}
}
