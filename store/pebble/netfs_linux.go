package pebble

import (
	"fmt"
	"syscall"
)

// networkFS names file systems by their magic number of statfs(2); "" = local.
func networkFS(magic uint32) string {
	switch magic {
	case 0x6969:
		return "nfs"
	case 0x517b, 0xff534d42, 0xfe534d42:
		return "smb"
	case 0x01021997:
		return "9p"
	case 0x65735546:
		return "fuse"
	case 0x00c36400:
		return "ceph"
	case 0x5346414f:
		return "afs"
	}
	return ""
}

// refuseNetworkFS returns an error if dir lies on a file system whose locks and
// syncs depend on another machine.
func refuseNetworkFS(dir string) error {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return fmt.Errorf("statfs: %w", err)
	}
	if name := networkFS(uint32(st.Type)); name != "" {
		return fmt.Errorf("file system %s is not a local disk; set AllowNetworkFS to use it all the same", name)
	}
	return nil
}
