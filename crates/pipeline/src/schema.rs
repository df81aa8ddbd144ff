//! Every published table, put together from the analyses.

use tillwise_core::schema::{Column, PublishedTable};

use crate::{Analysis, contracts};

/// Every published table but `customers`, in the order of the analyses; those of contracts come last.
pub fn published() -> Vec<PublishedTable> {
    let of_contracts = contracts::TABLES.iter().flat_map(|tables| tables.iter());
    Analysis::all().flat_map(|a| a.tables).chain(of_contracts).copied().collect()
}

/// All score columns, in the order of the customer table.
pub fn score_columns() -> impl Iterator<Item = &'static Column> {
    Analysis::all().flat_map(|a| a.scores)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tillwise_core::schema::{Column, Kind, SUMMARY};

    use super::*;

    /// As a release has them: without the example of the tests.
    fn of_users() -> (Vec<Column>, Vec<PublishedTable>) {
        let scores = Analysis::all().filter(|a| a.name != "example").flat_map(|a| a.scores);
        let tables = published().into_iter().filter(|t| t.name != "example");
        (scores.copied().collect(), tables.collect())
    }

    #[test]
    fn names_are_unique_snake_case() {
        let (scores, tables) = of_users();
        let customers: Vec<Column> = SUMMARY.iter().chain(&scores).copied().collect();
        let mut names = HashSet::new();
        for table in &tables {
            assert!(names.insert(table.name), "{} stands twice", table.name);
        }
        for columns in tables.iter().map(|t| t.columns).chain([customers.as_slice()]) {
            let mut seen = HashSet::new();
            for c in columns {
                assert!(seen.insert(c.name), "{} stands twice", c.name);
                assert!(c.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
            }
        }
    }

    /// `tables.md` is what users read.
    #[test]
    fn the_page_of_tables_is_up_to_date() {
        let (scores, tables) = of_users();
        let mut page = String::from(
            "# The published tables\n\nPlain types: text, int32, int64, double, bool, date. Where a value may be missing it is null; there are no NaNs.\n",
        );
        let mut table = |title: &str, columns: &[Column]| {
            page.push_str(&format!("\n## {title}\n\n| column | type | meaning |\n|---|---|---|\n"));
            for c in columns {
                let kind = match c.kind {
                    Kind::Text => "text",
                    Kind::Int32 => "int32",
                    Kind::Int64 => "int64",
                    Kind::Float => "double",
                    Kind::Bool => "bool",
                    Kind::Date => "date",
                    Kind::Timestamp => "timestamp",
                };
                let null = if c.nullable { " or null" } else { "" };
                page.push_str(&format!("| `{}` | {kind}{null} | {} |\n", c.name, c.doc));
            }
        };
        table("customers: what they did", SUMMARY);
        table("customers: scores, null where an analysis was not done", &scores);
        for t in &tables {
            table(&format!("{}: {}", t.name, t.about), t.columns);
        }
        assert!(page == include_str!("../tables.md"), "write this to crates/pipeline/tables.md:\n{page}");
    }
}
