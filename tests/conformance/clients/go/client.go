package main

// A client of the wire protocol by docs/protocol.md, section 11; the comments name its steps. One goroutine, run, owns
// all of its state: frames, commands and timers reach it through channels.

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"time"
)

const (
	frameBytesMax   = 1 << 20
	waitMin         = 500 * time.Millisecond
	waitMax         = 30 * time.Second
	lasted          = time.Minute
	silentHeartbeat = 3
)

type object = map[string]any

// frame is what the hub sends.
type frame struct {
	Type    string  `json:"type"`
	Sender  string  `json:"sender"`
	Seq     uint64  `json:"seq"`
	Payload payload `json:"payload"`
}

// payload has the fields that this client reads of all of them.
type payload struct {
	Ref          string  `json:"ref"`
	Code         string  `json:"code"`
	RetryAfter   float64 `json:"retry_after"`
	Seq          uint64  `json:"seq"`
	Epoch        string  `json:"epoch"`
	Heartbeat    float64 `json:"heartbeat"`
	Resumed      *bool   `json:"resumed"`
	ChannelsFrom uint64  `json:"channels_from"`
	Channel      string  `json:"channel"`
	Content      string  `json:"content"`
	Duplicate    bool    `json:"duplicate"`
}

// request waits for its answer; its frame is kept as it was first sent.
type request struct {
	id   string
	text []byte
	done func(answer payload, isAck bool)
	// Not before this time, where an error had retry_after.
	after time.Time
}

// heard is what the reader of one connection gives to run: a frame, a sign of life (both nil), or the connection's end.
type heard struct {
	from  *socket
	frame *frame
	err   error
}

type client struct {
	url, name string
	channels  []string
	// Seqs of the acks of channels that were joined later.
	joined      map[string]uint64
	hasPosition bool
	position    uint64
	epoch       string
	// Nothing of the first channels comes from before this seq.
	channelsFrom uint64
	// Requests without an answer, in the order of their first sending.
	waiting []*request

	socket       *socket
	isRegistered bool
	registerID   string
	heartbeat    time.Duration
	lastHeard    time.Time
	began        time.Time
	hasCarried   bool
	tries        int
	retryAfter   time.Duration

	commands chan func()
	incoming chan heard
	opened   chan *socket
	over     bool
}

func newClient(address, token, name string, channels []string) *client {
	if token != "" {
		address += "?token=" + url.QueryEscape(token)
	}
	return &client{
		url: address, name: name, channels: channels, joined: map[string]uint64{},
		heartbeat: 20 * time.Second,
		commands:  make(chan func()), incoming: make(chan heard), opened: make(chan *socket),
	}
}

// run is the client; it ends when it is over.
func (c *client) run() {
	beat := time.NewTicker(100 * time.Millisecond)
	defer beat.Stop()
	lastBeat := time.Now()
	go c.open(0)
	for !c.over {
		select {
		case command := <-c.commands:
			command()
		case opened := <-c.opened:
			c.connected(opened)
		case came := <-c.incoming:
			if came.from == c.socket {
				c.take(came)
			}
		case now := <-beat.C:
			if c.socket == nil {
				continue
			}
			// Step 7. Until the first ack the hub has 10 s.
			limit := silentHeartbeat * c.heartbeat
			if !c.isRegistered {
				limit = connectTimeout
			}
			if now.Sub(c.lastHeard) > limit {
				c.lost(0)
				continue
			}
			if c.isRegistered && now.Sub(lastBeat) >= c.heartbeat {
				lastBeat = now
				c.send(c.frame("heartbeat", uuid7(), object{}))
			}
			c.sendDelayed(now)
		}
	}
	if c.socket != nil {
		c.socket.write(opClose, []byte{0x03, 0xe8})
		c.socket.close()
	}
}

// Step 1. open tries once, after a wait.
func (c *client) open(wait time.Duration) {
	time.Sleep(wait)
	opened, err := dial(c.url)
	if err != nil {
		opened = nil
	}
	c.opened <- opened
}

func (c *client) connected(opened *socket) {
	if opened == nil {
		c.retry()
		return
	}
	c.socket, c.isRegistered, c.hasCarried = opened, false, false
	c.began, c.lastHeard = time.Now(), time.Now()
	go c.read(opened)
	if c.hasPosition {
		c.register(c.position)
	} else {
		c.register("stored")
	}
}

func (c *client) read(from *socket) {
	alive := func() { c.incoming <- heard{from: from} }
	for {
		text, err := from.read(alive)
		if err != nil {
			c.incoming <- heard{from: from, err: err}
			return
		}
		came := new(frame)
		if json.Unmarshal(text, came) == nil {
			c.incoming <- heard{from: from, frame: came}
		}
	}
}

// Steps 2 and 9.
func (c *client) register(resume any) {
	said := object{"channels": c.channels, "resume": resume}
	position, isSeq := resume.(uint64)
	joined := map[string]uint64{}
	for _, channel := range c.channels {
		from := c.joined[channel]
		// Before its first register it was in no channel. Of a "stored" register the hub knows that itself.
		if isSeq && position < c.channelsFrom && from < c.channelsFrom {
			from = c.channelsFrom
		}
		if from > position {
			joined[channel] = from
		}
	}
	if isSeq || len(joined) > 0 {
		said["epoch"], said["joined"] = c.epoch, joined
	}
	c.registerID = uuid7()
	c.send(c.frame("register", c.registerID, said))
}

func (c *client) take(came heard) {
	c.lastHeard = time.Now()
	var end closed
	switch {
	case errors.As(came.err, &end):
		c.lost(end.code)
	case came.err != nil:
		c.lost(0)
	case came.frame == nil:
	case came.frame.Type == "message" && came.frame.Sender != "orochi-server":
		c.takeMessage(came.frame)
	case came.frame.Type == "caught_up":
		c.moveTo(came.frame.Payload.Seq)
	case came.frame.Type == "ack" || came.frame.Type == "error":
		c.takeAnswer(came.frame)
	}
}

// Steps 3 and 4.
func (c *client) takeMessage(message *frame) {
	if !c.moveTo(message.Seq) {
		return
	}
	c.hasCarried = true
	said := message.Payload
	tell(object{"event": "message", "seq": message.Seq, "sender": message.Sender, "channel": said.Channel,
		"content": said.Content})
}

func (c *client) moveTo(seq uint64) bool {
	if c.hasPosition && seq <= c.position {
		return false
	}
	c.hasPosition, c.position = true, seq
	return true
}

func (c *client) takeAnswer(answer *frame) {
	said, isAck := answer.Payload, answer.Type == "ack"
	switch {
	case said.Ref == c.registerID && isAck:
		c.registered(said)
	case said.Ref == c.registerID:
		c.refused(said)
	case said.Code == "AUTH_FAILED" || said.Code == "SESSION_REPLACED":
		c.end(said.Code)
	default:
		c.answered(said, isAck)
	}
}

func (c *client) registered(ack payload) {
	isOther := ack.Resumed != nil && !*ack.Resumed
	if isOther || c.epoch != "" && c.epoch != ack.Epoch {
		c.forget()
	}
	if !c.hasPosition {
		c.channelsFrom = ack.ChannelsFrom
	}
	c.epoch, c.isRegistered = ack.Epoch, true
	if ack.Heartbeat > 0 {
		c.heartbeat = time.Duration(ack.Heartbeat * float64(time.Second))
	}
	tell(object{"event": "registered"})
	// Step 10.
	for _, one := range c.waiting {
		one.after = time.Time{}
		c.send(one.text)
	}
}

// forget drops all seqs: they count in another log.
func (c *client) forget() {
	c.hasPosition = false
	c.joined = map[string]uint64{}
}

func (c *client) refused(said payload) {
	switch {
	case said.Code == "RESUME_BEYOND":
		c.forget()
		c.register("stored")
	case said.RetryAfter > 0:
		c.retryAfter = seconds(said.RetryAfter)
		c.lost(0)
	default:
		c.end(said.Code)
	}
}

func (c *client) answered(said payload, isAck bool) {
	for i, one := range c.waiting {
		if one.id != said.Ref {
			continue
		}
		if !isAck && said.RetryAfter > 0 {
			one.after = time.Now().Add(seconds(said.RetryAfter))
			return
		}
		c.hasCarried = true
		c.waiting = append(c.waiting[:i], c.waiting[i+1:]...)
		one.done(said, isAck)
		return
	}
}

func (c *client) sendDelayed(now time.Time) {
	for _, one := range c.waiting {
		if c.isRegistered && !one.after.IsZero() && now.After(one.after) {
			one.after = time.Time{}
			c.send(one.text)
		}
	}
}

// request sends something that is to be answered, and again until it is.
func (c *client) request(kind string, said object, done func(payload, bool)) {
	id := uuid7()
	text := c.frame(kind, id, said)
	if len(text) > frameBytesMax {
		done(payload{Code: "TOO_LARGE"}, false)
		return
	}
	c.waiting = append(c.waiting, &request{id: id, text: text, done: done})
	if c.isRegistered {
		c.send(text)
	}
}

func (c *client) frame(kind, id string, said object) []byte {
	text, err := json.Marshal(object{"type": kind, "sender": c.name, "id": id, "payload": said})
	if err != nil {
		panic(err)
	}
	return text
}

func (c *client) send(text []byte) { c.socket.write(opText, text) }

// Step 8.
func (c *client) lost(code int) {
	c.socket.conn.Close()
	c.socket.close()
	c.socket, c.isRegistered = nil, false
	switch {
	case code == 4001:
		c.end("AUTH_FAILED")
		return
	case code == 4009:
		c.end("SESSION_REPLACED")
		return
	case time.Since(c.began) > lasted:
		c.tries = 0
	case c.hasCarried:
		c.tries /= 2
	}
	c.retry()
}

func (c *client) retry() {
	wait := waitMin << c.tries
	if wait < waitMax {
		c.tries++
	} else {
		wait = waitMax / 2
	}
	wait += chance(wait)
	if wait < c.retryAfter {
		wait = c.retryAfter
	}
	c.retryAfter = 0
	go c.open(wait)
}

func (c *client) end(code string) {
	tell(object{"event": "final", "code": code})
	c.over = true
}

func seconds(count float64) time.Duration { return time.Duration(count * float64(time.Second)) }

func chance(below time.Duration) time.Duration {
	number, err := rand.Int(rand.Reader, big.NewInt(int64(below)))
	if err != nil {
		panic(err)
	}
	return time.Duration(number.Int64())
}

// Step 5: a UUIDv7, new in the world and in the order of time.
func uuid7() string {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(err)
	}
	now := time.Now().UnixMilli()
	for i := 0; i < 6; i++ {
		b[i] = byte(now >> (40 - 8*i))
	}
	b[6], b[8] = 0x70|b[6]&0x0f, 0x80|b[8]&0x3f
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
