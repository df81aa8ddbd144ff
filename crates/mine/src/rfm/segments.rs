//! Segment maps: from scores to names, as data.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::Score;
use crate::MineError;

/// A named part of the cube of scores. Bounds are inclusive; what is left out holds any score.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// Its name.
    pub name: String,
    /// Lowest and highest recency score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r: Option<[u8; 2]>,
    /// Lowest and highest frequency score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub f: Option<[u8; 2]>,
    /// Lowest and highest monetary score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub m: Option<[u8; 2]>,
    /// Lowest and highest mean of the frequency and monetary scores, halves rounded up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fm: Option<[u8; 2]>,
    /// Codes such as `"443"`, in place of bounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
}

impl Segment {
    fn holds(&self, s: Score) -> bool {
        let within =
            |bounds: Option<[u8; 2]>, s: u8| bounds.is_none_or(|[low, high]| (low..=high).contains(&s));
        let mean = (s.f + s.m).div_ceil(2);
        within(self.r, s.r)
            && within(self.f, s.f)
            && within(self.m, s.m)
            && within(self.fm, mean)
            && (self.codes.is_empty() || self.codes.contains(&s.to_string()))
    }
}

/// Names for scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentMap {
    /// The segments, in the order in which they are shown, and tried.
    pub segments: Vec<Segment>,
    /// Whether segments may overlap, and the first that holds a customer's scores names it.
    #[serde(default)]
    pub first_match: bool,
    /// The name of all other scores; without one, every score must be in a segment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
}

/// The names of the maps that come with Tillwise, the scores they are for, and where they are from.
pub const PRESETS: [(&str, u8, &str); 6] = [
    ("ten", 5, "ten names on recency and frequency, the most widely used; the default"),
    ("r_rfm", 5, "of R's package rfm, as its README has it now; the first match wins"),
    ("r_rfm_classic", 5, "of R's package rfm up to 0.2; the first match wins"),
    ("quartile_codes", 4, "pymc-marketing's lists of quartile codes"),
    ("mean_grid", 5, "eleven names on recency and the rounded mean of frequency and monetary"),
    (
        "shopify_like",
        5,
        "names such as Shopify's on the same grid; the ranges are ours, Shopify's are not published",
    ),
];

type Bounds = [u8; 2];
const ANY: Bounds = [1, u8::MAX];

impl Default for SegmentMap {
    fn default() -> Self {
        SegmentMap::ten()
    }
}

impl SegmentMap {
    /// One of [`PRESETS`].
    pub fn preset(name: &str) -> Option<SegmentMap> {
        Some(match name {
            "ten" => SegmentMap::ten(),
            "r_rfm" => SegmentMap::r_rfm(),
            "r_rfm_classic" => SegmentMap::r_rfm_classic(),
            "quartile_codes" => SegmentMap::quartile_codes(),
            "mean_grid" => SegmentMap::mean_grid(),
            "shopify_like" => SegmentMap::shopify_like(),
            _ => return None,
        })
    }

    fn boxes(rows: &[(&str, Bounds, Bounds, Bounds)]) -> Vec<Segment> {
        let bounds = |b: Bounds| (b != ANY).then_some(b);
        let segment = |(name, r, f, m): &(&str, Bounds, Bounds, Bounds)| Segment {
            name: (*name).to_owned(),
            r: bounds(*r),
            f: bounds(*f),
            m: bounds(*m),
            ..Segment::default()
        };
        rows.iter().map(segment).collect()
    }

    /// From the cells of a grid of recency (rows, 5 first) and the mean of frequency and monetary (columns, 1 first), by the names' letters.
    fn grid(names: &[(&str, char)], rows: [&str; 5]) -> SegmentMap {
        let mut segments = Vec::new();
        for (name, letter) in names {
            for (row, r) in rows.iter().zip((1..=5).rev()) {
                let at = |(i, c): (usize, char)| (c == *letter).then_some(i as u8 + 1);
                let cells: Vec<u8> = row.chars().enumerate().filter_map(at).collect();
                for run in cells.chunk_by(|a, b| a + 1 == *b) {
                    segments.push(Segment {
                        name: (*name).to_owned(),
                        r: Some([r, r]),
                        fm: Some([run[0], run[run.len() - 1]]),
                        ..Segment::default()
                    });
                }
            }
        }
        SegmentMap { segments, first_match: false, other: None }
    }

    fn ten() -> SegmentMap {
        let segments = SegmentMap::boxes(&[
            ("Champions", [5, 5], [4, 5], ANY),
            ("Loyal", [3, 4], [4, 5], ANY),
            ("Potential loyalists", [4, 5], [2, 3], ANY),
            ("New", [5, 5], [1, 1], ANY),
            ("Promising", [4, 4], [1, 1], ANY),
            ("Need attention", [3, 3], [3, 3], ANY),
            ("About to sleep", [3, 3], [1, 2], ANY),
            ("Can't lose", [1, 2], [5, 5], ANY),
            ("At risk", [1, 2], [3, 4], ANY),
            ("Hibernating", [1, 2], [1, 2], ANY),
        ]);
        SegmentMap { segments, first_match: false, other: None }
    }

    fn r_rfm() -> SegmentMap {
        let segments = SegmentMap::boxes(&[
            ("Champions", [5, 5], [5, 5], [5, 5]),
            ("Potential Loyalist", [3, 5], [3, 5], [2, 5]),
            ("Loyal Customers", [2, 4], [2, 4], [2, 4]),
            ("Promising", [3, 4], [1, 3], [3, 5]),
            ("New Customers", [4, 5], [1, 3], [1, 5]),
            ("Can't Lose Them", [1, 2], [3, 4], [4, 5]),
            ("At Risk", [1, 2], [2, 5], [4, 5]),
            ("Need Attention", [1, 3], [3, 5], [3, 5]),
            ("About To Sleep", [2, 3], [1, 3], [1, 4]),
            ("Lost", [1, 1], [1, 5], [1, 5]),
        ]);
        SegmentMap { segments, first_match: true, other: Some("Others".to_owned()) }
    }

    fn r_rfm_classic() -> SegmentMap {
        let segments = SegmentMap::boxes(&[
            ("Champions", [4, 5], [4, 5], [4, 5]),
            ("Loyal Customers", [2, 5], [3, 5], [3, 5]),
            ("Potential Loyalist", [3, 5], [1, 3], [1, 3]),
            ("New Customers", [4, 5], [1, 1], [1, 1]),
            ("Promising", [3, 4], [1, 1], [1, 1]),
            ("Need Attention", [2, 3], [2, 3], [2, 3]),
            ("About To Sleep", [2, 3], [1, 2], [1, 2]),
            ("At Risk", [1, 2], [2, 5], [2, 5]),
            ("Can't Lose Them", [1, 1], [4, 5], [4, 5]),
            ("Lost", [1, 2], [1, 2], [1, 2]),
        ]);
        SegmentMap { segments, first_match: true, other: Some("Others".to_owned()) }
    }

    fn quartile_codes() -> SegmentMap {
        let lists = [
            ("Premium Customer", "333 334 343 344 433 434 443 444"),
            ("Repeat Customer", "143 232 233 234 243 244 332"),
            ("Top Spender", "124 133 134 144 224 313 314 323 324 413 414 423 424"),
            ("At Risk Customer", "122 123 132 212 214 222 223 312 322 412 422"),
            ("Inactive Customer", "111 112 113 114 211 311 411"),
        ];
        let segment = |(name, codes): &(&str, &str)| Segment {
            name: (*name).to_owned(),
            codes: codes.split(' ').map(str::to_owned).collect(),
            ..Segment::default()
        };
        let segments = lists.iter().map(segment).collect();
        SegmentMap { segments, first_match: false, other: Some("Other".to_owned()) }
    }

    fn mean_grid() -> SegmentMap {
        let names = [
            ("Champions", 'C'),
            ("Loyal Customers", 'L'),
            ("Potential Loyalists", 'P'),
            ("Recent Customers", 'R'),
            ("Promising", 'p'),
            ("Need Attention", 'N'),
            ("About To Sleep", 'S'),
            ("At Risk", 'a'),
            ("Can't Lose Them", 'c'),
            ("Hibernating", 'H'),
            ("Lost", 'x'),
        ];
        SegmentMap::grid(&names, ["RPLCC", "pPPLC", "pNPLL", "SNNaa", "xHacc"])
    }

    fn shopify_like() -> SegmentMap {
        let names = [
            ("Champions", 'C'),
            ("Loyal", 'L'),
            ("Active", 'A'),
            ("New", 'N'),
            ("Promising", 'p'),
            ("Needs attention", 'n'),
            ("Previously loyal", 'P'),
            ("At risk", 'r'),
            ("Almost lost", 'l'),
            ("Dormant", 'D'),
        ];
        SegmentMap::grid(&names, ["NNACC", "ppALL", "llnnL", "llrrP", "DDrrP"])
    }

    /// The different names, in order, the rest's last.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.segments.iter().map(|s| s.name.as_str()).chain(self.other.as_deref()) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The name of customers with these scores; empty where there is none.
    pub fn name(&self, score: Score) -> &str {
        let found = self.segments.iter().find(|s| s.holds(score)).map(|s| s.name.as_str());
        found.or(self.other.as_deref()).unwrap_or_default()
    }

    /// Checks names, bounds, and that every score has one name, for scores from 1 to each of `bins` (R, F, M).
    ///
    /// # Errors
    /// If the map is empty, a name is empty, bounds are reversed or out of range, a code cannot occur, or there are gaps or overlaps that the map does not
    /// ask for: those are shown as a grid.
    pub fn check(&self, bins: [u8; 3]) -> Result<(), MineError> {
        if self.segments.is_empty() {
            return Err(MineError::parameter("segments", "a list of at least one segment", "empty"));
        }
        let most = bins[1].max(bins[2]);
        for s in &self.segments {
            if s.name.trim().is_empty() {
                return Err(MineError::parameter("segments.name", "a name", "empty"));
            }
            let bounds = [
                ("segments.r", s.r, bins[0]),
                ("segments.f", s.f, bins[1]),
                ("segments.m", s.m, bins[2]),
                ("segments.fm", s.fm, most),
            ];
            for (parameter, bounds, most) in bounds {
                let Some([low, high]) = bounds else { continue };
                if low < 1 || low > high || high > most {
                    let got = format!("[{low}, {high}] in `{}`", s.name);
                    return Err(MineError::parameter(
                        parameter,
                        format!("[low, high] within 1 to {most}"),
                        got,
                    ));
                }
            }
            for code in &s.codes {
                if !cells(bins).any(|c| c.to_string() == *code) {
                    let must = format!(
                        "scores within 1 to {}, {} and {}, such as \"111\"",
                        bins[0], bins[1], bins[2]
                    );
                    return Err(MineError::parameter(
                        "segments.codes",
                        must,
                        format!("\"{code}\" in `{}`", s.name),
                    ));
                }
            }
        }
        let names_of = |c: Score| {
            let mut names: Vec<&str> =
                self.segments.iter().filter(|s| s.holds(c)).map(|s| s.name.as_str()).collect();
            names.dedup();
            names
        };
        let gaps =
            if self.other.is_some() { 0 } else { cells(bins).filter(|c| names_of(*c).is_empty()).count() };
        let overlaps =
            if self.first_match { 0 } else { cells(bins).filter(|c| names_of(*c).len() > 1).count() };
        if gaps + overlaps == 0 {
            return Ok(());
        }
        let mut problem = String::new();
        if gaps > 0 {
            let _ = write!(problem, "{gaps} cells in no segment (`.`)");
        }
        if overlaps > 0 {
            let and = if gaps > 0 { " and " } else { "" };
            let _ = write!(problem, "{and}{overlaps} cells in more than one (`!`)");
        }
        let remedy = match (gaps > 0, overlaps > 0) {
            (true, false) => "name the rest with other = \"...\"",
            (false, true) => "or set first_match = true",
            _ => "name the rest with other = \"...\", and set first_match = true",
        };
        let got = format!("a map with {problem}; {remedy}\n{}", self.draw(bins));
        Err(MineError::parameter("segments", "a map in which every cell has one segment", got))
    }

    /// The map as grids of cells, recency downwards and frequency to the right, one for each stretch of monetary scores with the same grid;
    /// a letter for each segment, `.` for none and, unless the first match wins, `!` for more than one.
    pub fn draw(&self, bins: [u8; 3]) -> String {
        let names = self.names();
        let letter = |name: &str| {
            let at = names.iter().position(|n| *n == name).unwrap_or(0) as u8;
            char::from(if at < 26 { b'A' + at } else { b'a' + (at - 26) % 26 })
        };
        let cell = |score: Score| {
            let mut held: Vec<&str> =
                self.segments.iter().filter(|s| s.holds(score)).map(|s| s.name.as_str()).collect();
            held.dedup();
            match (held.first(), held.len()) {
                (Some(_), n) if n > 1 && !self.first_match => '!',
                (Some(name), _) => letter(name),
                (None, _) => self.other.as_deref().map_or('.', letter),
            }
        };
        let plane = |m: u8| {
            let mut text =
                format!("  R\\F {}\n", (1..=bins[1]).map(|f| format!("{f:>3}")).collect::<String>());
            for r in (1..=bins[0]).rev() {
                let row: String = (1..=bins[1]).map(|f| format!("{:>3}", cell(Score { r, f, m }))).collect();
                let _ = writeln!(text, "{r:>5} {row}");
            }
            text
        };
        let planes: Vec<String> = (1..=bins[2]).map(plane).collect();
        let mut text = String::new();
        let mut m = 0;
        for run in planes.chunk_by(|a, b| a == b) {
            let (first, last) = (m + 1, m + run.len());
            m = last;
            let title =
                if run.len() == planes.len() { "any M".to_owned() } else { format!("M {first} to {last}") };
            let _ = write!(text, "{title}\n{}", run[0]);
        }
        for name in &names {
            let _ = writeln!(text, "  {} {name}", letter(name));
        }
        text
    }
}

fn cells(bins: [u8; 3]) -> impl Iterator<Item = Score> {
    let [r, f, m] = bins;
    (1..=r).flat_map(move |r| (1..=f).flat_map(move |f| (1..=m).map(move |m| Score { r, f, m })))
}
