// Package browser tests the dashboard in a browser: the scenarios in dashboard/ui/test
// drive Debian's Chromium against a server process, which they kill and start again.
package browser
