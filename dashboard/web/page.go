package web

import (
	"bytes"
	_ "embed"
	"html/template"
	"net/http"
	"time"

	"realtime-election/dashboard/live"
	"realtime-election/internal/results"
)

//go:embed page.html
var pageHTML string

//go:embed locations.html
var locationsHTML string

var pageTemplate = template.Must(template.Must(template.New("page").Parse(pageHTML)).New("locations").Parse(locationsHTML))

// page writes the whole page. Its HTML is complete, and the script only keeps it up to date.
func (s Site) page(w http.ResponseWriter, r *http.Request) {
	data := struct {
		*view
		Version   uint64
		Status    live.Status
		AsOf      string
		Locations locationTable
	}{Status: s.Hub.Status(), AsOf: s.Now().UTC().Format(time.TimeOnly + " UTC")}
	if u := s.Hub.Current(); u != nil {
		data.view, data.Version = newView(u.Snapshot, s.Portraits), u.Version
		if data.Known {
			data.Locations = s.table(u.Snapshot, r)
		}
	} else {
		data.view = newView(&results.Snapshot{}, s.Portraits)
	}
	s.render(w, "page", data)
}

// render writes a template as a whole or not at all.
func (s Site) render(w http.ResponseWriter, name string, data any) {
	var body bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&body, name, data); err != nil {
		s.Log.Error("render page", "template", name, "error", err)
		plain(w, http.StatusInternalServerError, "The page cannot be shown. The results are at /api/v1/results.\n")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body.Bytes())
}
