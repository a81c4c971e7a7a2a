//! Aligned columns.

use crate::text::{Span, Text, plain};

/// What stands between two columns.
const GUTTER: &str = "  ";

/// Rows of cells, aligned to the left. The last cell of a row is never padded.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<Span>>,
}

impl Table {
    /// Appends a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Span>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Appends the rows to `text`, each after `indent`, without blanks at their ends.
    pub(crate) fn write_to(&self, text: &mut Text, indent: &str) {
        let mut widths: Vec<usize> = Vec::new();
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                match widths.get_mut(column) {
                    Some(width) => *width = cell.width().max(*width),
                    None => widths.push(cell.width()),
                }
            }
        }
        for row in &self.rows {
            let used = row.iter().rposition(|cell| !cell.is_empty()).map_or(0, |last| last + 1);
            let mut spans = vec![plain(indent)];
            for (column, cell) in row[..used].iter().enumerate() {
                spans.push(cell.clone());
                // A column that is empty in every row takes no room.
                if column + 1 < used && 0 < widths[column] {
                    let padding = " ".repeat(widths[column] - cell.width());
                    spans.push(plain(padding + GUTTER));
                }
            }
            text.line(spans);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::bold;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::default();
        table.row([plain("✓ completed"), plain(""), plain("1"), bold("Größe"), plain("")]);
        table.row([plain("□ pending"), plain(""), plain("10"), plain("x"), plain("waits for 1")]);
        let mut text = Text::default();
        table.write_to(&mut text, "  ");
        let shown = anstream::adapter::strip_str(text.as_ansi()).to_string();
        assert_eq!(shown, "  ✓ completed  1   Größe\n  □ pending    10  x      waits for 1\n");
    }
}
