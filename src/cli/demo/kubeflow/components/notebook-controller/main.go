// The notebook controller starts a server for every notebook and stops those that nobody uses.
package main

import (
	"flag"
	"log"
	"time"
)

func main() {
	idle := flag.Duration("idle", 24*time.Hour, "stop a server that was not used for this long")
	flag.Parse()
	log.Printf("watching notebooks, idle after %s", *idle)
	select {}
}
