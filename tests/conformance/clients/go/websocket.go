package main

// The part of RFC 6455 that a client needs, on the standard library alone: the handshake, masked frames, fragments,
// ping and pong, close.

import (
	"bufio"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"
)

const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xA

	connectTimeout = 10 * time.Second
	writeTimeout   = 30 * time.Second
	// The hub's frames have at most 2 MiB.
	messageBytesMax = 2 << 20
)

// closed is the end of a connection, with the other side's close code; 0 where there was none.
type closed struct{ code int }

func (c closed) Error() string { return fmt.Sprintf("closed with %d", c.code) }

type socket struct {
	conn   net.Conn
	reader *bufio.Reader
	// Frames that wait to be written. A goroutine of its own writes them: a client that waits for a write and does not
	// read meanwhile may wait for ever, as the hub does the same.
	queue   [][]byte
	queued  *sync.Cond
	isEnded bool
}

// dial opens a WebSocket. What takes longer than connectTimeout has failed.
func dial(address string) (*socket, error) {
	target, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	conn, err := net.DialTimeout("tcp", target.Host, connectTimeout)
	if err != nil {
		return nil, err
	}
	opened := &socket{conn: conn, reader: bufio.NewReader(conn), queued: sync.NewCond(new(sync.Mutex))}
	_ = conn.SetDeadline(time.Now().Add(connectTimeout))
	if err := opened.shakeHands(target); err != nil {
		conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	go opened.writeQueue()
	return opened, nil
}

func (s *socket) shakeHands(target *url.URL) error {
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	key := base64.StdEncoding.EncodeToString(nonce)
	request := &http.Request{Method: "GET", URL: target, Host: target.Host, Header: http.Header{
		"Upgrade":               {"websocket"},
		"Connection":            {"Upgrade"},
		"Sec-WebSocket-Key":     {key},
		"Sec-WebSocket-Version": {"13"},
	}}
	if err := request.Write(s.conn); err != nil {
		return err
	}
	response, err := http.ReadResponse(s.reader, request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("the handshake was answered %s", response.Status)
	}
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if response.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) {
		return errors.New("the handshake's Sec-WebSocket-Accept is wrong")
	}
	return nil
}

// read gives the next message. It answers pings and a close by itself; heard is called for every frame.
func (s *socket) read(heard func()) ([]byte, error) {
	var message []byte
	for {
		final, opcode, payload, err := s.readFrame()
		if err != nil {
			return nil, err
		}
		heard()
		switch opcode {
		case opPing:
			s.write(opPong, payload)
		case opPong:
		case opClose:
			s.write(opClose, payload)
			if len(payload) < 2 {
				return nil, closed{1005}
			}
			return nil, closed{int(binary.BigEndian.Uint16(payload))}
		case opText, opBinary, opContinuation:
			message = append(message, payload...)
			if len(message) > messageBytesMax {
				return nil, fmt.Errorf("a message of more than %d bytes", messageBytesMax)
			}
			if final {
				return message, nil
			}
		default:
			return nil, fmt.Errorf("a frame with opcode %d", opcode)
		}
	}
}

func (s *socket) readFrame() (final bool, opcode byte, payload []byte, err error) {
	var head [8]byte
	if _, err = io.ReadFull(s.reader, head[:2]); err != nil {
		return
	}
	final, opcode = head[0]&0x80 != 0, head[0]&0x0f
	if head[1]&0x80 != 0 {
		return false, 0, nil, errors.New("a masked frame from a server")
	}
	length := uint64(head[1] & 0x7f)
	switch length {
	case 126:
		_, err = io.ReadFull(s.reader, head[:2])
		length = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(s.reader, head[:8])
		length = binary.BigEndian.Uint64(head[:8])
	}
	if err == nil && length > messageBytesMax {
		err = fmt.Errorf("a frame of %d bytes", length)
	}
	if err != nil {
		return
	}
	payload = make([]byte, length)
	_, err = io.ReadFull(s.reader, payload)
	return
}

// write queues one frame, masked as a client's must be.
func (s *socket) write(opcode byte, payload []byte) {
	frame := make([]byte, 0, len(payload)+14)
	frame = append(frame, 0x80|opcode)
	switch {
	case len(payload) < 126:
		frame = append(frame, 0x80|byte(len(payload)))
	case len(payload) < 1<<16:
		frame = append(frame, 0x80|126, byte(len(payload)>>8), byte(len(payload)))
	default:
		frame = append(frame, 0x80|127)
		frame = binary.BigEndian.AppendUint64(frame, uint64(len(payload)))
	}
	var mask [4]byte
	if _, err := rand.Read(mask[:]); err != nil {
		panic(err)
	}
	frame = append(frame, mask[:]...)
	for i, b := range payload {
		frame = append(frame, b^mask[i%4])
	}
	s.queued.L.Lock()
	s.queue = append(s.queue, frame)
	s.queued.L.Unlock()
	s.queued.Signal()
}

// close writes what is queued, and ends the connection.
func (s *socket) close() {
	s.queued.L.Lock()
	s.isEnded = true
	s.queued.L.Unlock()
	s.queued.Signal()
}

func (s *socket) writeQueue() {
	defer s.conn.Close()
	for {
		s.queued.L.Lock()
		for len(s.queue) == 0 && !s.isEnded {
			s.queued.Wait()
		}
		frames := s.queue
		s.queue = nil
		s.queued.L.Unlock()
		if len(frames) == 0 {
			return
		}
		for _, frame := range frames {
			_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
			// The reader finds a connection that is closed.
			if _, err := s.conn.Write(frame); err != nil {
				return
			}
		}
	}
}
