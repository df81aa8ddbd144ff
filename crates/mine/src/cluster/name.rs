//! Names for clusters, from what marks them.

use super::Scaling;

/// How far from the average, in standard deviations, a centre must stand for a feature to mark it.
const MARKED: f64 = 0.5;
/// Features in a name, unless more are needed to tell two clusters apart.
const WORDS: usize = 2;

/// One name a cluster, all different.
pub fn names(scaling: &Scaling, centres: &[Vec<f64>]) -> Vec<String> {
    let most = scaling.0.len();
    let mut names: Vec<String> = centres.iter().map(|c| name(scaling, c, WORDS)).collect();
    for words in WORDS + 1..=most {
        let double: Vec<bool> = names.iter().map(|n| names.iter().filter(|m| *m == n).count() > 1).collect();
        for (i, centre) in centres.iter().enumerate().filter(|(i, _)| double[*i]) {
            names[i] = name(scaling, centre, words);
        }
    }
    for i in 0..names.len() {
        let before = names[..i].iter().filter(|n| **n == names[i]).count();
        if before > 0 {
            names[i] = format!("{} ({})", names[i], before + 1);
        }
    }
    names
}

fn name(scaling: &Scaling, centre: &[f64], words: usize) -> String {
    let mut marks: Vec<(f64, &str)> =
        centre.iter().copied().zip(scaling.0.iter().map(|f| f.name.as_str())).collect();
    marks.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let named: Vec<String> = marks
        .into_iter()
        .enumerate()
        .filter(|(i, (z, _))| *i < words && (z.abs() >= MARKED || words > WORDS))
        .map(|(_, (z, feature))| word(feature, z))
        .collect();
    if named.is_empty() { "average".to_owned() } else { named.join(", ") }
}

fn word(feature: &str, z: f64) -> String {
    let (high, low) = match feature {
        "days_since_last" => ("lapsed", "recent"),
        "orders" | "order_days" | "x" => ("frequent", "few orders"),
        "net_revenue" | "gross_revenue" => ("high spend", "low spend"),
        "avg_order_value" => ("large orders", "small orders"),
        "tenure_days" | "age_days" => ("long-standing", "new"),
        "distinct_products" => ("wide range", "narrow range"),
        "lines" => ("many lines", "few lines"),
        "units" => ("many units", "few units"),
        "mean_gap_days" => ("long gaps", "short gaps"),
        "returns_value" => ("many returns", "few returns"),
        other => return format!("{} {}", if z > 0.0 { "high" } else { "low" }, other.replace('_', " ")),
    };
    if z > 0.0 { high.to_owned() } else { low.to_owned() }
}
