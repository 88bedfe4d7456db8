package publish

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// Options are how a store is set up.
type Options struct {
	// Dir is a folder that exists and can be written.
	Dir string
	// Address is where consumers reach the file server: "host:port", or a URL of
	// http or https without a path.
	Address string
	// Retention is how long a file stays after it ceased to be current: those who
	// read the older status are still fetching it.
	Retention time.Duration
	// Bytes bounds one artifact, before it is packed and afterwards; 0 is
	// DefaultBytes.
	Bytes int64
	// StoreBytes bounds all files together, and NamespaceBytes those of one
	// namespace; 0 is DefaultStoreBytes, and one of Shares of StoreBytes.
	StoreBytes, NamespaceBytes int64
	// Log is told what is removed; nil tells nobody.
	Log *slog.Logger
}

// What suits Options: a quarter of the store is one namespace's.
const (
	DefaultRetention  = 5 * time.Minute
	DefaultBytes      = 128 << 20
	DefaultStoreBytes = 4 << 30
	Shares            = 4
)

// filled has the defaults.
func (o Options) filled() Options {
	if o.Bytes == 0 {
		o.Bytes = DefaultBytes
	}
	if o.StoreBytes == 0 {
		o.StoreBytes = DefaultStoreBytes
	}
	if o.NamespaceBytes == 0 {
		o.NamespaceBytes = o.StoreBytes / Shares
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Dir == "":
		return errors.New("no folder is named")
	case o.Retention <= 0:
		return fmt.Errorf("the retention is %s; it must be above 0", o.Retention)
	case o.Bytes < 1:
		return fmt.Errorf("the limit of one artifact is %d bytes; it must be 1 at least", o.Bytes)
	case o.StoreBytes < 1:
		return fmt.Errorf("the limit of the whole store is %d bytes; it must be 1 at least", o.StoreBytes)
	case o.NamespaceBytes < 1:
		return fmt.Errorf("the limit of one namespace is %d bytes; it must be 1 at least", o.NamespaceBytes)
	case o.NamespaceBytes > o.StoreBytes:
		return fmt.Errorf("the limit of one namespace is %d bytes, and that of the whole store is %d; it must not be above that", o.NamespaceBytes, o.StoreBytes)
	}
	return checkAddress(o.Address)
}

// checkAddress takes "host:port" and "http://host:port".
func checkAddress(address string) error {
	if address == "" {
		return errors.New("the advertised address is empty; name the Service of the file server")
	}
	text := address
	if !strings.HasPrefix(text, "http://") && !strings.HasPrefix(text, "https://") {
		text = "http://" + text
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.Hostname() == "" || parsed.User != nil || strings.Trim(parsed.Path, "/") != "" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("the advertised address %q is neither host:port nor http://host:port; name the Service of the file server", address)
	}
	if ip := net.ParseIP(parsed.Hostname()); ip != nil && ip.IsUnspecified() {
		return fmt.Errorf("the advertised address %q is no address that others can reach; name the Service of the file server", address)
	}
	return nil
}

func writable(dir string) error {
	made, err := os.CreateTemp(dir, ".writable-")
	if err != nil {
		return err //nolint:wrapcheck // the caller tells the folder
	}
	return errors.Join(made.Close(), os.Remove(made.Name()))
}
