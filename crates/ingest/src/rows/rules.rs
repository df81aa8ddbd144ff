//! What rows are held against, fixed for one file.

use arrow::datatypes::SchemaRef;

use super::PARTS;
use crate::config::Cleaning;
use crate::dates::DateFormat;
use crate::numbers::NumberFormat;

/// Everything that turns fields into lines, fixed for one file.
#[derive(Clone, Debug)]
pub struct Rules {
    pub dates: Vec<DateFormat>,
    pub zone: Option<chrono_tz::Tz>,
    pub numbers: NumberFormat,
    pub hundredths: bool,
    pub cleaning: Cleaning,
    pub patterns: Patterns,
    /// Whether there is a column for the part.
    pub mapped: [bool; PARTS.len()],
    /// Whether a row is known again by its order line rather than by all of its fields: where several files may overlap.
    pub by_order_line: bool,
    pub schema: SchemaRef,
}

/// The lists of the config, ready to be compared with values.
#[derive(Clone, Debug, Default)]
pub struct Patterns {
    pub not_products: Vec<Pattern>,
    pub no_customer: Vec<Pattern>,
    pub totals: Vec<Pattern>,
    pub not_sales: Vec<Pattern>,
    pub returned: Vec<Pattern>,
    pub cancelled: Vec<Pattern>,
}

impl Patterns {
    pub fn of(cleaning: &Cleaning) -> Patterns {
        let folded = |list: &[String]| list.iter().map(|p| Pattern::new(&p.trim().to_lowercase())).collect();
        Patterns {
            not_products: cleaning.not_products.iter().map(|p| Pattern::new(p)).collect(),
            no_customer: folded(&cleaning.no_customer),
            totals: folded(&cleaning.totals),
            not_sales: folded(&cleaning.not_sales),
            returned: folded(&cleaning.returned),
            cancelled: folded(&cleaning.cancelled_values),
        }
    }
}

/// A code with `*` for anything.
#[derive(Clone, Debug)]
pub struct Pattern(Vec<String>);

impl Pattern {
    pub fn new(text: &str) -> Pattern {
        Pattern(text.split('*').map(str::to_owned).collect())
    }

    pub fn matches(&self, code: &str) -> bool {
        let Some((first, rest)) = self.0.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else { return code == first };
        let Some(mut code) = code.strip_prefix(first.as_str()) else { return false };
        for part in middle {
            match code.find(part.as_str()) {
                Some(at) => code = &code[at + part.len()..],
                None => return false,
            }
        }
        code.len() >= last.len() && code.ends_with(last.as_str())
    }
}

/// Whether a value, compared without case, is in a list.
pub fn listed(patterns: &[Pattern], value: &str) -> bool {
    if patterns.is_empty() {
        return false;
    }
    let folded = value.to_lowercase();
    patterns.iter().any(|p| p.matches(&folded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_codes() {
        assert!(Pattern::new("POST").matches("POST"));
        assert!(!Pattern::new("POST").matches("POSTER"));
        assert!(Pattern::new("TEST*").matches("TEST001"));
        assert!(Pattern::new("*gift*").matches("a gift card"));
        assert!(Pattern::new("a*a").matches("aba") && !Pattern::new("a*a").matches("a"));
        assert!(Pattern::new("*").matches(""));
    }
}
