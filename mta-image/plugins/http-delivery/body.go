package main

// #include <HalonMTA.h>
// #include <stdio.h>
// #include <stdlib.h>
import "C"

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"strings"
	"sync"
	"unsafe"
)

const chunk = 64 * 1024

// messageFile reads the MTA's FILE*, from the start, without taking the mail into memory.
type messageFile struct {
	file   *C.FILE
	buffer unsafe.Pointer
}

func (m *messageFile) Read(to []byte) (int, error) {
	got := C.fread(m.buffer, 1, C.size_t(min(len(to), chunk)), m.file)
	copy(to, unsafe.Slice((*byte)(m.buffer), int(got)))
	switch {
	case got > 0:
		return int(got), nil
	case C.ferror(m.file) != 0:
		return 0, fmt.Errorf("the message cannot be read")
	default:
		return 0, io.EOF
	}
}

func (m *messageFile) rewind() int64 {
	C.fseek(m.file, 0, C.SEEK_END)
	size := int64(C.ftell(m.file))
	C.fseek(m.file, 0, C.SEEK_SET)
	return size
}

// Body can be opened more than once: to sign it and to send it.
type Body struct {
	Open func() io.Reader
	Size int64
	Type string
}

func makeBody(arguments *Arguments, message *messageFile) (*Body, error) {
	if arguments.Form != nil {
		return formBody(arguments.Form, message)
	}
	if arguments.Encoder == "base64" {
		size := int64(base64.StdEncoding.EncodedLen(int(message.rewind())))
		return &Body{func() io.Reader { message.rewind(); return encoded(message) }, size, ""}, nil
	}
	return &Body{func() io.Reader { message.rewind(); return message }, message.rewind(), ""}, nil
}

// encoder gives base64 of what it reads, block by block.
type encoder struct {
	from io.Reader
	left []byte
}

// A block is a multiple of three bytes, so that only the last one is padded.
const block = 3 * 16 * 1024

func encoded(from io.Reader) io.Reader { return &encoder{from: from} }

func (e *encoder) Read(to []byte) (int, error) {
	if len(e.left) == 0 {
		raw := make([]byte, block)
		got, err := io.ReadFull(e.from, raw)
		if got == 0 {
			return 0, err
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0, err
		}
		e.left = base64.StdEncoding.AppendEncode(nil, raw[:got])
	}
	count := copy(to, e.left)
	e.left = e.left[count:]
	return count, nil
}

// guarded is a request's body that is never read once it is closed: the HTTP client may close it later than it
// answers, and from another goroutine, but the MTA's file ends with the attempt.
type guarded struct {
	lock   sync.Mutex
	from   io.Reader
	closed chan struct{}
	once   sync.Once
}

func (g *guarded) Read(to []byte) (int, error) {
	g.lock.Lock()
	defer g.lock.Unlock()
	select {
	case <-g.closed:
		return 0, io.ErrClosedPipe
	default:
		return g.from.Read(to)
	}
}

func (g *guarded) Close() error {
	g.lock.Lock()
	defer g.lock.Unlock()
	g.once.Do(func() { close(g.closed) })
	return nil
}

var quoted = strings.NewReplacer("\\", "\\\\", `"`, "\\\"", "\r", "", "\n", "")

func part(form *multipart.Writer, field Field) (io.Writer, error) {
	header := textproto.MIMEHeader{}
	disposition := fmt.Sprintf(`form-data; name="%s"`, quoted.Replace(field.Name))
	if field.FileName != "" {
		disposition += fmt.Sprintf(`; filename="%s"`, quoted.Replace(field.FileName))
	}
	header.Set("Content-Disposition", disposition)
	if field.Type != "" {
		header.Set("Content-Type", quoted.Replace(field.Type))
	}
	return form.CreatePart(header)
}

// formBody keeps what stands around the message in memory, and the message in its file.
func formBody(form *Form, message *messageFile) (*Body, error) {
	var text bytes.Buffer
	writer := multipart.NewWriter(&text)
	for _, field := range form.Fields {
		to, err := part(writer, field)
		if err != nil {
			return nil, err
		}
		io.WriteString(to, field.Data)
	}
	size := int64(0)
	if form.Name != "" {
		if _, err := part(writer, Field{form.Name, "", form.Type, form.FileName}); err != nil {
			return nil, err
		}
		size = message.rewind()
	}
	split := text.Len()
	writer.Close()
	before, after := text.Bytes()[:split], text.Bytes()[split:]
	open := func() io.Reader {
		message.rewind()
		return io.MultiReader(bytes.NewReader(before), io.LimitReader(message, size), bytes.NewReader(after))
	}
	return &Body{open, size + int64(text.Len()), writer.FormDataContentType()}, nil
}
