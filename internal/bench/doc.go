// Package bench measures a hub in this process: the real engine over a real
// store, with activities that do nothing.
//
// Each workload ends in one [Result], with probes of the disk and the processor
// from the same run, so that results of different machines and hours can be
// compared as ratios.
package bench
