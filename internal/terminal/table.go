package terminal

import (
	"bufio"
	"io"
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// Option changes how a table is printed.
type Option func(*table)

type table struct{ right []int }

// Right aligns columns, counted from 0, to the right, as is usual for numbers.
func Right(columns ...int) Option { return func(t *table) { t.right = append(t.right, columns...) } }

// Table prints rows in columns that are two spaces apart. The width of a text is that on a terminal: an emoji or a Chinese
// character has two columns, and an accent none.
func Table(out io.Writer, rows [][]string, options ...Option) error {
	t := table{}
	for _, option := range options {
		option(&t)
	}
	type cell struct {
		text  string
		width int
	}
	laid := make([][]cell, len(rows))
	var widths []int
	for i, row := range rows {
		for column, text := range row {
			text = Printable(text)
			c := cell{isolate(text), uniseg.StringWidth(text)}
			laid[i] = append(laid[i], c)
			if column == len(widths) {
				widths = append(widths, 0)
			}
			widths[column] = max(widths[column], c.width)
		}
	}
	w := bufio.NewWriter(out)
	for _, row := range laid {
		for column, c := range row {
			if column > 0 {
				w.WriteString("  ")
			}
			padding := strings.Repeat(" ", widths[column]-c.width)
			switch {
			case slices.Contains(t.right, column):
				w.WriteString(padding + c.text)
			case column == len(row)-1:
				w.WriteString(c.text)
			default:
				w.WriteString(c.text + padding)
			}
		}
		w.WriteByte('\n')
	}
	return w.Flush()
}
