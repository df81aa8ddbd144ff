//! A tree in words and pictures.

use std::fmt::Write as _;

use tillwise_core::{escaped, shown};

use super::data::Feature;
use super::tree::{Split, Test, Tree};

/// A leaf as a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Its number, 1 for the highest probability.
    pub id: u32,
    /// The way to the leaf, in words.
    pub words: String,
    /// Probability of churn.
    pub probability: f64,
    /// Training rows.
    pub rows: usize,
    /// The weight of those that churned.
    pub churners: f64,
}

/// What is known of a feature on the way to a node.
#[derive(Clone, Debug, Default)]
struct Known {
    above: Option<f64>,
    up_to: Option<f64>,
    among: Option<Vec<u32>>,
    /// Whether blanks come this way too, by every split on the feature.
    blanks: bool,
}

/// A threshold, to six significant digits.
fn number(value: f64) -> String {
    let whole = value.abs().max(f64::MIN_POSITIVE).log10().floor();
    if value == 0.0 || !(-9.0..15.0).contains(&whole) {
        return if value == 0.0 { "0".to_owned() } else { format!("{value:e}") };
    }
    let text = format!("{value:.*}", (5.0 - whole).max(0.0) as usize);
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn named(feature: &Feature, codes: &[u32]) -> String {
    let names = feature.categories.as_deref().unwrap_or_default();
    let of = |c: &u32| names.get(*c as usize).map_or("?", String::as_str);
    match codes {
        [one] => format!("{} = {}", feature.name, of(one)),
        many => format!("{} in {{{}}}", feature.name, many.iter().map(of).collect::<Vec<_>>().join(", ")),
    }
}

/// One side of a split, in words.
fn side(split: &Split, features: &[Feature], low: bool) -> String {
    let Some(feature) = features.get(split.feature) else { return "?".to_owned() };
    match &split.test {
        Test::Number { threshold } => {
            format!("{} {} {}", feature.name, if low { "<=" } else { ">" }, number(*threshold))
        }
        Test::Category { low: l, high: h } => named(feature, if low { l } else { h }),
    }
}

impl Known {
    fn learn(&mut self, split: &Split, low: bool, first: bool) {
        self.blanks = (first || self.blanks) && low == split.blank_low;
        match &split.test {
            Test::Number { threshold } if low => {
                self.up_to = Some(self.up_to.map_or(*threshold, |t| t.min(*threshold)));
            }
            Test::Number { threshold } => {
                self.above = Some(self.above.map_or(*threshold, |t| t.max(*threshold)))
            }
            Test::Category { low: l, high: h } => self.among = Some(if low { l.clone() } else { h.clone() }),
        }
    }

    fn words(&self, feature: &Feature, may_be_blank: bool) -> String {
        let name = &feature.name;
        let range = match (&self.among, self.above, self.up_to) {
            (Some(codes), _, _) => named(feature, codes),
            (None, Some(above), Some(up_to)) => format!("{} < {name} <= {}", number(above), number(up_to)),
            (None, Some(above), None) => format!("{name} > {}", number(above)),
            (None, None, Some(up_to)) => format!("{name} <= {}", number(up_to)),
            (None, None, None) => name.clone(),
        };
        if self.blanks && may_be_blank { format!("({range} or none)") } else { range }
    }
}

impl Tree {
    /// Every leaf as a rule in words, rule 1 first. `blanks` says of each feature whether it has any.
    pub fn rules(&self, features: &[Feature], blanks: &[bool]) -> Vec<Rule> {
        let mut rules = Vec::new();
        // Nodes yet to be looked at, with what is known on the way, in the order in which it was learned.
        let mut open: Vec<(usize, Vec<(usize, Known)>)> = vec![(0, Vec::new())];
        while let Some((at, known)) = open.pop() {
            let Some(node) = self.nodes().get(at) else { continue };
            let Some(split) = &node.split else {
                let parts: Vec<String> = known
                    .iter()
                    .filter_map(|(f, k)| {
                        Some(k.words(features.get(*f)?, blanks.get(*f).copied().unwrap_or(true)))
                    })
                    .collect();
                let words = if parts.is_empty() { "every customer".to_owned() } else { parts.join(" and ") };
                let (id, probability) = (node.rule, node.probability);
                rules.push(Rule { id, words, probability, rows: node.rows, churners: node.churners });
                continue;
            };
            for (low, next) in [(true, split.low), (false, split.high)] {
                let mut known = known.clone();
                match known.iter_mut().find(|(f, _)| *f == split.feature) {
                    Some((_, k)) => k.learn(split, low, false),
                    None => {
                        let mut k = Known::default();
                        k.learn(split, low, true);
                        known.push((split.feature, k));
                    }
                }
                open.push((next, known));
            }
        }
        rules.sort_by_key(|r| r.id);
        rules
    }

    /// As indented text.
    pub fn text(&self, features: &[Feature]) -> String {
        let mut text = String::new();
        let mut open = vec![(0, 0, "all customers".to_owned())];
        while let Some((at, depth, words)) = open.pop() {
            let Some(node) = self.nodes().get(at) else { continue };
            let rule = if node.split.is_none() { format!("  rule {}", node.rule) } else { String::new() };
            let _ = writeln!(
                text,
                "{}{words}: {:.1} % of {}{rule}",
                "  ".repeat(depth),
                100.0 * node.probability,
                node.rows
            );
            if let Some(split) = &node.split {
                open.push((split.high, depth + 1, side(split, features, false)));
                open.push((split.low, depth + 1, side(split, features, true)));
            }
        }
        shown(&text).into_owned()
    }

    /// In Graphviz' language.
    pub fn dot(&self, features: &[Feature]) -> String {
        let quote = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
        let mut text = String::from("digraph churn {\n  node [shape=box, fontname=\"sans-serif\"];\n");
        for (at, node) in self.nodes().iter().enumerate() {
            let rule = if node.split.is_none() { format!("rule {}\\n", node.rule) } else { String::new() };
            let _ = writeln!(
                text,
                "  n{at} [label=\"{rule}{:.1} % of {}\"];",
                100.0 * node.probability,
                node.rows
            );
            if let Some(split) = &node.split {
                for (low, next) in [(true, split.low), (false, split.high)] {
                    let _ = writeln!(
                        text,
                        "  n{at} -> n{next} [label=\"{}\"];",
                        quote(&side(split, features, low))
                    );
                }
            }
        }
        shown(&(text + "}\n")).into_owned()
    }

    /// As a picture that any browser shows: leaves from top to bottom, redder for a higher probability.
    pub fn svg(&self, features: &[Feature]) -> String {
        const ROW: f64 = 34.0;
        const STEP: f64 = 250.0;
        // Leaves have rows of their own; a parent stands between its children.
        let mut y = vec![0.0; self.nodes().len()];
        let mut x = vec![0.0; self.nodes().len()];
        let mut leaves = 0.0;
        let mut deepest: f64 = 0.0;
        let mut open = vec![(0usize, 0.0, false)];
        while let Some((at, depth, seen)) = open.pop() {
            x[at] = depth;
            deepest = deepest.max(depth);
            match &self.nodes()[at].split {
                None => {
                    y[at] = leaves;
                    leaves += 1.0;
                }
                Some(split) if seen => y[at] = (y[split.low] + y[split.high]) / 2.0,
                Some(split) => {
                    open.push((at, depth, true));
                    open.push((split.high, depth + 1.0, false));
                    open.push((split.low, depth + 1.0, false));
                }
            }
        }
        let (width, height) = ((deepest + 1.0) * STEP, leaves * ROW + 20.0);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n"
        );
        let place = |at: usize| (10.0 + x[at] * STEP, 10.0 + y[at] * ROW);
        for (at, node) in self.nodes().iter().enumerate() {
            let (left, top) = place(at);
            if let Some(split) = &node.split {
                for (low, next) in [(true, split.low), (false, split.high)] {
                    let (to_x, to_y) = place(next);
                    let words: String = side(split, features, low).chars().take(38).collect();
                    let _ = writeln!(
                        svg,
                        "<path d=\"M{} {}L{to_x} {}\" stroke=\"#999\" fill=\"none\"/><text x=\"{}\" y=\"{}\" fill=\"#555\">{}</text>",
                        left + 92.0,
                        top + 11.0,
                        to_y + 11.0,
                        to_x - STEP + 96.0,
                        to_y + 9.0,
                        escaped(&words)
                    );
                }
            }
            let red = 255.0 - 175.0 * node.probability;
            let name = if node.split.is_none() { format!("{}: ", node.rule) } else { String::new() };
            let _ = writeln!(
                svg,
                "<rect x=\"{left}\" y=\"{top}\" width=\"92\" height=\"22\" rx=\"3\" fill=\"rgb(255,{red:.0},{red:.0})\" stroke=\"#999\"/>\
                 <text x=\"{}\" y=\"{}\">{name}{:.0} % of {}</text>",
                left + 5.0,
                top + 15.0,
                100.0 * node.probability,
                node.rows
            );
        }
        svg + "</svg>\n"
    }

    /// What led a row to its probability: for each split on the way, the feature, what was asked, and how much it raised the
    /// probability (Saabas 2014). Those of one feature are added up, and told by the last one; the largest rise first.
    pub fn reasons(&self, path: &[usize], features: &[Feature]) -> Vec<(String, f64)> {
        let mut rises: Vec<(usize, String, f64)> = Vec::new();
        for step in path.windows(2) {
            let Some(split) = &self.nodes()[step[0]].split else { continue };
            let rise = self.nodes()[step[1]].probability - self.nodes()[step[0]].probability;
            let words = side(split, features, step[1] == split.low);
            match rises.iter_mut().find(|r| r.0 == split.feature) {
                Some(known) => {
                    known.1 = words;
                    known.2 += rise;
                }
                None => rises.push((split.feature, words, rise)),
            }
        }
        rises.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
        rises.into_iter().map(|(_, words, rise)| (words, rise)).collect()
    }
}
