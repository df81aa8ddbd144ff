//! How numbers and dates are written, decided by all cells of a file.

use tillwise_core::Day;

use super::survey::{Column, Marks, Survey};
use crate::dates::DateFormat;
use crate::dates::infer::{Candidate, candidates, plausible};
use crate::numbers::{NumberFormat, fold_digits};

/// The marks of a file's numbers.
pub struct Numbers {
    pub decimal: String,
    pub thousands: String,
    /// What could be meant otherwise, with the column that it concerns.
    pub unsure: Option<(usize, String)>,
    pub note: Option<String>,
}

impl Numbers {
    pub fn format(&self) -> NumberFormat {
        NumberFormat::new(&self.decimal, &self.thousands).unwrap_or_else(|_| NumberFormat::typed())
    }
}

/// Decides by all columns that hold numbers; `dates` are not among them.
pub fn numbers(survey: &Survey, dates: &[usize]) -> Numbers {
    let counts =
        |c: &Column| c.filled > c.typed_numbers && c.marks.numbers * 10 >= (c.filled - c.typed_numbers) * 8;
    let columns: Vec<usize> =
        (0..survey.columns.len()).filter(|c| !dates.contains(c) && counts(&survey.columns[*c])).collect();
    let mut all = Marks::default();
    columns.iter().for_each(|c| all.add(&survey.columns[*c].marks));
    let blank = if all.blanks > 0 {
        " "
    } else if all.apostrophes > 0 {
        "'"
    } else {
        ""
    };
    let or_blank = |mark: &'static str, seen: bool| if seen { mark } else { blank };
    let say = |decimal: &str, thousands: &str| Numbers {
        decimal: decimal.to_owned(),
        thousands: thousands.to_owned(),
        unsure: None,
        note: None,
    };
    let commas = all.groups_comma + all.open_comma > 0;
    let points = all.groups_point + all.open_point > 0;
    let rare = |few: u64, many: u64| few * 200 < many;
    match (all.decimal_point, all.decimal_comma) {
        (p, c) if p > 0 && (c == 0 || rare(c, p)) => say(".", or_blank(",", commas)),
        (p, c) if c > 0 && (p == 0 || rare(p, c)) => say(",", or_blank(".", points)),
        (p, c) if p > 0 && c > 0 => {
            let mut numbers = say("either", blank);
            numbers.note = Some(format!(
                "both marks are decimal marks ({p} numbers with a point, {c} with a comma): decimal = \"either\" reads each number that can mean one thing only"
            ));
            numbers
        }
        _ => {
            // No mark must be a decimal one: marks before three digits part thousands, unless all numbers have one.
            let (mark, other) = match (commas, points) {
                (true, false) => (",", "."),
                (false, true) => (".", ","),
                (true, true) => {
                    let mut numbers = say("either", blank);
                    let at = columns.iter().find(|c| {
                        survey.columns[**c].marks.open_point + survey.columns[**c].marks.open_comma > 0
                    });
                    numbers.unsure = at.map(|c| (*c, "both points and commas stand before three digits; which of them parts thousands?".to_owned()));
                    return numbers;
                }
                (false, false) => return say(".", blank),
            };
            let mut numbers = say(other, mark);
            for c in &columns {
                let marks = &survey.columns[*c].marks;
                let open = if mark == "," { marks.open_comma } else { marks.open_point };
                let groups = if mark == "," { marks.groups_comma } else { marks.groups_point };
                if open == 0 || groups > 0 {
                    continue;
                }
                // A number without a mark, and one of more than three digits, tell the two readings apart.
                let proven = marks.long == 0 && marks.whole > 0;
                if !proven && (marks.long > 0 || many_alike(&survey.columns[*c], mark)) {
                    let example = marks.example.clone().unwrap_or_default();
                    let (whole, part) = example.split_once(mark).unwrap_or((&example, ""));
                    numbers.unsure = Some((
                        *c,
                        format!(
                            "`{example}` is read as {whole}{part}; if it means {whole} and {part} thousandths, set decimal = \"{mark}\" and thousands = \"\""
                        ),
                    ));
                }
            }
            numbers
        }
    }
}

/// Whether the parts behind the mark look like decimals: nearly all end in zero, or there is hardly another than `000`.
fn many_alike(column: &Column, mark: &str) -> bool {
    let behind: Vec<&str> = column
        .looks
        .iter()
        .flat_map(|l| &l.examples)
        .filter_map(|e| e.rsplit_once(mark).map(|(_, part)| part))
        .filter(|part| part.len() >= 3)
        .collect();
    let zeros = behind
        .iter()
        .filter(|p| p.starts_with("000") || p.starts_with("500") || p.starts_with("250"))
        .count();
    !behind.is_empty() && zeros * 10 >= behind.len() * 9
}

/// The dates of a column.
#[derive(Clone, Debug)]
pub struct Dates {
    pub patterns: Vec<String>,
    /// The same, ready to read with.
    pub formats: Vec<DateFormat>,
    /// Share of cells that read.
    pub share: f64,
    pub first: Day,
    pub last: Day,
    /// Other formats that read all cells too.
    pub unsure: Option<String>,
    /// Whether the look alone, rather than its name, says that these are dates.
    pub by_look: bool,
}

/// The formats of a column's dates, if it holds dates.
pub fn dates(survey: &Survey, column: usize) -> Option<Dates> {
    let c = &survey.columns[column];
    if c.filled == 0 {
        return None;
    }
    let mut chosen: Vec<(String, u64)> = Vec::new();
    if c.typed_moments > 0 {
        chosen.push(("iso".to_owned(), c.typed_moments));
    }
    let mut by_look = c.typed_moments > 0;
    // Looks with their feasible formats, the most frequent first.
    let mut looks: Vec<(u64, Vec<Candidate>, &[String])> = Vec::new();
    let mut sorted: Vec<_> = c.looks.iter().collect();
    sorted.sort_by_key(|l| std::cmp::Reverse(l.count));
    let mut left = c.other_looks;
    for look in sorted {
        let feasible = feasible(&look.examples);
        if feasible.is_empty() {
            left += look.count;
        } else {
            looks.push((look.count, feasible, &look.examples));
        }
    }
    let read: u64 = c.typed_moments + looks.iter().map(|l| l.0).sum::<u64>();
    if read == 0 || (left as f64) > 0.5 * c.filled as f64 {
        return None;
    }
    let mut unsure = None;
    // A format that reads several looks settles those that could be more than one.
    let votes = |pattern: &str| {
        looks
            .iter()
            .filter(|l| l.1.len() == 1 && family(&l.1[0].pattern) == family(pattern))
            .map(|l| l.0)
            .sum::<u64>()
    };
    for (count, feasible, examples) in &looks {
        let numeric = examples.iter().all(|e| {
            fold_digits(e).bytes().all(|b| b.is_ascii_digit() || b == b'.') && e.matches('.').count() < 2
        });
        by_look |= !numeric;
        let mut best: Vec<&Candidate> = feasible.iter().collect();
        if best.len() > 1 {
            let most = best.iter().map(|f| votes(&f.pattern)).max().unwrap_or(0);
            if most > 0 {
                best.retain(|f| votes(&f.pattern) == most);
            }
        }
        if best.len() > 1 {
            best = by_order(survey, column, best);
        }
        if best.len() > 1 {
            let names: Vec<&str> = best.iter().map(|b| b.pattern.as_str()).collect();
            unsure = Some(format!(
                "`{}` reads as {} alike; the first is taken",
                examples[0],
                names.join(" and as ")
            ));
        }
        match chosen.iter_mut().find(|(p, _)| *p == best[0].pattern) {
            Some((_, n)) => *n += count,
            None => chosen.push((best[0].pattern.clone(), *count)),
        }
    }
    if unsure.is_none() && chosen.iter().any(|(p, _)| p.starts_with("%y")) {
        unsure = Some("they begin with years of two digits, which are read as of this century in the Gregorian calendar".to_owned());
    }
    // ISO first, for it is read fastest; then the most frequent.
    chosen.sort_by_key(|(p, n)| (p != "iso", std::cmp::Reverse(*n)));
    let mut patterns: Vec<String> = chosen.into_iter().map(|(p, _)| p).collect();
    drop_superseded(&mut patterns, &looks);
    let formats: Vec<DateFormat> = patterns.iter().filter_map(|p| DateFormat::new(p).ok()).collect();
    let (mut first, mut last) = (Day::MAX, Day::MIN);
    let cells = (0..survey.sample.len()).map(|row| survey.cell(row, column));
    let examples = looks.iter().flat_map(|l| l.2.iter().map(String::as_str));
    for cell in cells.chain(examples) {
        if let Some(moment) = formats.iter().find_map(|f| f.parse(cell.as_bytes())).filter(plausible) {
            first = first.min(moment.day);
            last = last.max(moment.day);
        }
    }
    (first <= last).then_some(Dates {
        patterns,
        formats,
        share: read as f64 / c.filled as f64,
        first,
        last,
        unsure,
        by_look,
    })
}

/// Formats that read every example, all on days that orders may be of. Sentinels are no evidence.
fn feasible(examples: &[String]) -> Vec<Candidate> {
    let usable: Vec<&String> = examples.iter().filter(|e| !is_sentinel(e)).collect();
    let Some(first) = usable.first() else { return Vec::new() };
    let mut all = candidates(first);
    // The first may be the one of a wrong year; others tell what there is.
    for other in usable.iter().take(6) {
        for candidate in candidates(other) {
            if !all.iter().any(|c| c.pattern == candidate.pattern) {
                all.push(candidate);
            }
        }
    }
    let reads = |c: &Candidate| {
        usable.iter().filter(|e| c.format.parse(e.as_bytes()).is_some_and(|m| plausible(&m))).count()
    };
    let counts: Vec<usize> = all.iter().map(reads).collect();
    let most = counts.iter().copied().max().unwrap_or(0);
    // Extremes are over-represented among the examples, typing errors with them.
    if 10 * most < 7 * usable.len() {
        return Vec::new();
    }
    all.into_iter().zip(counts).filter(|(_, n)| *n == most).map(|(c, _)| c).collect()
}

/// Dates that stand for none, or for ever.
fn is_sentinel(text: &str) -> bool {
    let digits: String = fold_digits(text).chars().filter(char::is_ascii_digit).collect();
    !digits.is_empty()
        && (digits.starts_with("9999") || digits.ends_with("9999") || digits.bytes().all(|b| b == b'0'))
}

/// What a format and one with a time, or another separator, have in common: the order of day, month and year.
fn family(pattern: &str) -> String {
    let mut order = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        if c == '%' {
            match chars.next() {
                Some(s @ ('d' | 'm' | 'Y' | 'y')) => order.push(s.to_ascii_lowercase()),
                Some('b') => order.push('m'),
                _ => {}
            }
        }
    }
    order
}

/// Of formats that read everything, those by which the rows are most nearly in the order of time; and by which the days
/// are not all early ones of their months.
fn by_order<'a>(survey: &Survey, column: usize, formats: Vec<&'a Candidate>) -> Vec<&'a Candidate> {
    let rows = survey.sample.len();
    if rows < 20 {
        return formats;
    }
    let jumps = |f: &Candidate| {
        let (mut before, mut after, mut distance, mut last) = (0usize, 0usize, 0i64, None::<i32>);
        let (mut least, mut most) = (i32::MAX, i32::MIN);
        for row in 0..rows {
            let Some(moment) = f.format.parse(survey.cell(row, column).as_bytes()) else { continue };
            let day = moment.day.0;
            (least, most) = (least.min(day), most.max(day));
            if let Some(last) = last {
                before += usize::from(day < last);
                after += usize::from(day > last);
                distance += i64::from((day - last).abs());
            }
            last = Some(day);
        }
        (before.min(after), distance, i64::from(most) - i64::from(least))
    };
    let scores: Vec<(usize, i64, i64)> = formats.iter().map(|f| jumps(f)).collect();
    let fewest = scores.iter().map(|s| s.0).min().unwrap_or(0);
    let shortest = scores.iter().map(|s| s.1).min().unwrap_or(0);
    // Rows that are sorted by one reading and jump to and fro by the other; or that span a year by one, and are dense by
    // the other.
    let kept: Vec<&Candidate> = formats
        .iter()
        .zip(&scores)
        .filter(|(_, s)| s.0 <= fewest * 2 + rows / 200 && s.1 <= shortest * 2 + 10)
        .map(|(f, _)| *f)
        .collect();
    if kept.is_empty() { formats } else { kept }
}

/// Leaves out formats that read nothing which those before them do not.
fn drop_superseded(patterns: &mut Vec<String>, looks: &[(u64, Vec<Candidate>, &[String])]) {
    let mut i = 1;
    while i < patterns.len() {
        let before: Vec<DateFormat> = patterns[..i].iter().filter_map(|p| DateFormat::new(p).ok()).collect();
        let Ok(format) = DateFormat::new(&patterns[i]) else {
            patterns.remove(i);
            continue;
        };
        let needed = looks.iter().flat_map(|l| l.2).any(|e| {
            format.parse(e.as_bytes()).is_some() && !before.iter().any(|b| b.parse(e.as_bytes()).is_some())
        });
        if needed { i += 1 } else { drop(patterns.remove(i)) }
    }
}
