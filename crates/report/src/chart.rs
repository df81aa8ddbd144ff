//! Pictures of published tables, as data, and as SVG within the page: nothing is loaded, colours follow the page's light or dark, and
//! every picture has the numbers beside it as a table and as a file.

use std::fmt::Write as _;

use serde::Serialize;
use tillwise_core::told::Cell;
use tillwise_core::{VALUE, escaped};

use crate::language::LONG_TEXT;
use crate::{Language, ReportError};

/// A picture of a published table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Chart {
    /// Names its title and what is said below it.
    pub key: &'static str,
    /// The published table that it shows.
    pub table: &'static str,
    /// What is drawn.
    pub drawn: Drawn,
}

/// The kinds of pictures.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drawn {
    /// Lines over a measured axis.
    Lines {
        /// The axis: days, shares or numbers.
        x: Values,
        /// One or more lines.
        lines: Vec<Values>,
        /// A range around the first line: its lower and upper ends.
        band: Option<[Values; 2]>,
        /// Whether the diagonal stands for comparison.
        diagonal: bool,
    },
    /// One bar a name.
    Bars {
        /// What the bars stand for.
        names: Values,
        /// How long they are.
        bars: Values,
    },
    /// A shade a cell.
    Heat {
        /// The names of the rows.
        rows: Values,
        /// The names of the columns.
        columns: Values,
        /// The column that the shades are of, and the values, row by row; NaN for a blank.
        shades: Values,
    },
    /// Steps from one total to another; the first and the last are totals.
    Bridge {
        /// The names of the steps.
        names: Values,
        /// What each adds.
        steps: Values,
    },
}

/// A column of the table, or a part of one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Values {
    /// Its name.
    pub column: &'static str,
    /// What tells it from others of the same column.
    pub name: Option<Cell>,
    /// Its values.
    pub cells: Vec<Cell>,
}

/// The width of all pictures, in units of their own; the page scales them.
const WIDTH: f64 = 720.0;
/// The height of lines and bridges.
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 34.0;
/// Colours that colour-blind people tell apart: classes of the page's style.
const COLOURS: usize = 7;
/// The width of a character, about.
const LETTER: f64 = 6.8;
/// Characters of a name beside a bar or a row.
const NAME: usize = 26;

impl Values {
    fn numbers(&self) -> Vec<f64> {
        self.cells.iter().map(number).collect()
    }

    fn title(&self, language: &Language) -> Result<String, ReportError> {
        match &self.name {
            Some(name) => language.cell(name, VALUE),
            None => Ok(language.word(self.column).into_owned()),
        }
    }
}

/// A cell as a place on an axis.
fn number(cell: &Cell) -> f64 {
    match cell {
        Cell::Count(v) | Cell::Share(v) | Cell::Change(v) | Cell::Number(v, _) | Cell::Bar(v) => *v,
        Cell::Range { value, .. } => *value,
        Cell::Day(day) => f64::from(day.0),
        _ => f64::NAN,
    }
}

/// A value of the axis in the manner of a cell.
fn like(cell: &Cell, value: f64) -> Cell {
    match cell {
        Cell::Share(_) => Cell::Share(value),
        Cell::Day(_) => Cell::Day(tillwise_core::Day(value.round() as i32)),
        Cell::Number(_, decimals) => Cell::Number(value, *decimals),
        _ => Cell::Count(value),
    }
}

/// Ends of an axis that holds all values, and the marks on it: at most six, at one, two or five times a power of ten.
fn axis(low: f64, high: f64) -> (f64, f64, Vec<f64>) {
    let (low, high) = if low < high { (low, high) } else { (low - 0.5, low + 0.5) };
    let rough = (high - low) / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|s| *s >= rough * 0.999).unwrap_or(rough);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let marks = (0..=(last - first) as usize).map(|i| (first + i as f64) * step).collect();
    (first * step, last * step, marks)
}

fn ends(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|v| v.is_finite()).fold(None, |ends, v| match ends {
        None => Some((v, v)),
        Some((low, high)) => Some((f64::min(low, v), f64::max(high, v))),
    })
}

/// A picture with its words, ready for the page.
#[derive(Debug, Serialize)]
pub(crate) struct ShownChart {
    id: String,
    title: String,
    caption: String,
    source: String,
    legend: Vec<(usize, String)>,
    svg: String,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    csv: String,
}

/// Draws a chart. `None` where it would be empty.
pub(crate) fn draw(chart: &Chart, language: &Language) -> Result<Option<ShownChart>, ReportError> {
    let (mut svg, mut legend) = (String::new(), Vec::new());
    let height = match &chart.drawn {
        Drawn::Lines { x, lines, band, diagonal } => {
            if lines.len() > 1 {
                for (i, line) in lines.iter().enumerate() {
                    legend.push((i % COLOURS, line.title(language)?));
                }
            }
            draw_lines(&mut svg, language, (x, lines), band.as_ref(), *diagonal)?
        }
        Drawn::Bars { names, bars } => draw_bars(&mut svg, language, names, bars)?,
        Drawn::Heat { rows, columns, shades } => draw_heat(&mut svg, language, rows, columns, shades)?,
        Drawn::Bridge { names, steps } => draw_bridge(&mut svg, language, names, steps)?,
    };
    let Some(height) = height else { return Ok(None) };
    let title = language.chart_title(chart.key)?.to_owned();
    let svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">{svg}</svg>",
        escaped(&title)
    );
    let (columns, cells) = grid(chart);
    let heads = columns.iter().map(|c| c.title(language)).collect::<Result<_, _>>()?;
    let row =
        |cells: &Vec<Cell>| cells.iter().map(|c| language.cell(c, LONG_TEXT)).collect::<Result<Vec<_>, _>>();
    let rows = cells.iter().map(row).collect::<Result<_, _>>()?;
    Ok(Some(ShownChart {
        id: format!("chart-{}", chart.key),
        caption: language.chart_caption(chart.key)?.to_owned(),
        source: format!("{}.parquet", chart.table),
        title,
        legend,
        svg,
        heads,
        rows,
        csv: csv(&columns, &cells),
    }))
}

/// From left to right, or from right to left.
fn across(language: &Language, x: f64) -> f64 {
    if language.is_rtl() { WIDTH - x } else { x }
}

/// Where a text begins that stands before its place, or behind it.
fn anchor(language: &Language, before: bool) -> &'static str {
    // `start` and `end` turn with the direction of the text; figures run from left to right in all languages.
    match before != language.is_rtl() {
        true => "end",
        false => "start",
    }
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, class: &str, text: &str) {
    let _ = write!(
        svg,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\" direction=\"ltr\">{}</text>",
        escaped(text)
    );
}

/// The frame of a picture with a measured axis at its side; returns how heights are drawn.
fn frame(
    svg: &mut String,
    language: &Language,
    (low, high): (f64, f64),
    like_this: &Cell,
) -> Result<impl Fn(f64) -> f64 + use<>, ReportError> {
    let (low, high, marks) = axis(low, high);
    let y = move |v: f64| TOP + (high - v) / (high - low) * (HEIGHT - TOP - BOTTOM);
    for mark in marks {
        let (x1, x2) = (across(language, LEFT), across(language, WIDTH - RIGHT));
        let at = y(mark);
        let _ = write!(svg, "<path class=\"rule\" d=\"M{x1:.1} {at:.1}H{x2:.1}\"/>");
        // Marks closer than the decimals of the values would all read alike.
        let cell = match like(like_this, mark) {
            Cell::Count(v) if high - low < 10.0 => Cell::Number(v, 1),
            Cell::Number(v, _) => Cell::Number(v, if high - low < 0.5 { 2 } else { 1 }),
            cell => cell,
        };
        let said = language.cell(&cell, VALUE)?;
        text(svg, (across(language, LEFT - 8.0), at + 4.0), anchor(language, true), "mark", &said);
    }
    Ok(y)
}

fn draw_lines(
    svg: &mut String,
    language: &Language,
    (x, lines): (&Values, &[Values]),
    band: Option<&[Values; 2]>,
    diagonal: bool,
) -> Result<Option<f64>, ReportError> {
    let places = x.numbers();
    let around = band.map(|[low, high]| (low.numbers(), high.numbers()));
    let all = lines
        .iter()
        .flat_map(Values::numbers)
        .chain(around.iter().flat_map(|(low, high)| low.iter().chain(high).copied().collect::<Vec<f64>>()));
    let (Some((mut low, mut high)), Some((from, to))) = (ends(all), ends(places.iter().copied())) else {
        return Ok(None);
    };
    let (Some(first), Some(place)) =
        (lines.iter().flat_map(|l| &l.cells).find(|c| number(c).is_finite()), x.cells.first())
    else {
        return Ok(None);
    };
    if diagonal {
        (low, high) = (low.min(from), high.max(to));
    }
    // Amounts begin at zero: a cut axis makes small changes look large.
    low = low.min(0.0);
    let y = frame(svg, language, (low, high), first)?;
    let (from, to) = if from < to { (from, to) } else { (from - 1.0, from + 1.0) };
    let at = |v: f64| across(language, LEFT + (v - from) / (to - from) * (WIDTH - LEFT - RIGHT));
    let marks: Vec<f64> = match place {
        // Days have no round numbers.
        Cell::Day(_) => (0..=4).map(|i| from + f64::from(i) / 4.0 * (to - from)).collect(),
        Cell::Count(_) if to - from <= 12.0 => {
            (0..=(to - from) as i32).map(|i| from + f64::from(i)).collect()
        }
        _ => axis(from, to).2.into_iter().filter(|m| (from..=to).contains(m)).collect(),
    };
    for mark in marks {
        let said = language.cell(&like(place, mark), VALUE)?;
        // The outermost stay within the picture.
        let half = said.chars().count() as f64 * LETTER / 2.0;
        let x = at(mark).clamp(half, WIDTH - half);
        text(svg, (x, HEIGHT - BOTTOM + 18.0), "middle", "mark", &said);
    }
    if diagonal {
        let _ = write!(
            svg,
            "<path class=\"compare\" d=\"M{:.1} {:.1}L{:.1} {:.1}\"/>",
            at(from.max(low)),
            y(from.max(low)),
            at(to.min(high)),
            y(to.min(high))
        );
    }
    if let Some((low, high)) = around {
        let known: Vec<usize> =
            (0..places.len()).filter(|i| low[*i].is_finite() && high[*i].is_finite()).collect();
        let upper = known.iter().map(|i| (places[*i], high[*i]));
        let lower = known.iter().rev().map(|i| (places[*i], low[*i]));
        let points: Vec<String> =
            upper.chain(lower).map(|(x, v)| format!("{:.1} {:.1}", at(x), y(v))).collect();
        if !points.is_empty() {
            let _ = write!(svg, "<path class=\"band\" d=\"M{}Z\"/>", points.join("L"));
        }
    }
    for (n, line) in lines.iter().enumerate() {
        let (mut path, mut pen_down) = (String::new(), false);
        for (place, value) in places.iter().zip(line.numbers()) {
            // A gap in the values is a gap in the line.
            if !(place.is_finite() && value.is_finite()) {
                pen_down = false;
                continue;
            }
            let _ = write!(path, "{}{:.1} {:.1}", if pen_down { 'L' } else { 'M' }, at(*place), y(value));
            pen_down = true;
        }
        let _ = write!(svg, "<path class=\"line c{}\" d=\"{path}\"/>", n % COLOURS);
        if line.cells.len() <= 40 {
            for (i, (place, value)) in places.iter().zip(line.numbers()).enumerate() {
                if place.is_finite() && value.is_finite() {
                    let tip = format!(
                        "{}, {}: {}",
                        language.cell(&x.cells[i], VALUE)?,
                        line.title(language)?,
                        language.cell(&line.cells[i], VALUE)?
                    );
                    let _ = write!(
                        svg,
                        "<circle class=\"f{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"><title>{}</title></circle>",
                        n % COLOURS,
                        at(*place),
                        y(value),
                        escaped(&tip)
                    );
                }
            }
        }
    }
    Ok(Some(HEIGHT))
}

fn draw_bars(
    svg: &mut String,
    language: &Language,
    names: &Values,
    bars: &Values,
) -> Result<Option<f64>, ReportError> {
    const ROW: f64 = 26.0;
    const BEGIN: f64 = 200.0;
    let lengths = bars.numbers();
    let Some((low, high)) = ends(lengths.iter().copied()) else { return Ok(None) };
    let most = high.max(0.0) - low.min(0.0);
    if most <= 0.0 {
        return Ok(None);
    }
    let scale = (WIDTH - BEGIN - 120.0) / most;
    let zero = BEGIN - low.min(0.0) * scale;
    for (i, length) in lengths.iter().enumerate() {
        let middle = TOP + (i as f64 + 0.5) * ROW;
        let name = language.cell(&names.cells[i], NAME)?;
        text(svg, (across(language, BEGIN - 10.0), middle + 4.0), anchor(language, true), "name", &name);
        if !length.is_finite() {
            continue;
        }
        let said = language.cell(&bars.cells[i], VALUE)?;
        let behind = across(language, zero + length.max(0.0) * scale + 8.0);
        text(svg, (behind, middle + 4.0), anchor(language, false), "mark", &said);
        if *length == 0.0 {
            continue;
        }
        let (near, far) = (across(language, zero), across(language, zero + length * scale));
        let _ = write!(
            svg,
            "<rect class=\"f0\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"2\"/>",
            near.min(far),
            middle - 8.0,
            (far - near).abs().max(0.5),
            16.0
        );
    }
    Ok(Some(2.0 * TOP + lengths.len() as f64 * ROW))
}

fn draw_heat(
    svg: &mut String,
    language: &Language,
    rows: &Values,
    columns: &Values,
    shades: &Values,
) -> Result<Option<f64>, ReportError> {
    const ROW: f64 = 26.0;
    let begin =
        if rows.cells.iter().all(|c| matches!(c, Cell::Day(_) | Cell::Count(_))) { 90.0 } else { 190.0 };
    let values = shades.numbers();
    let Some((_, most)) = ends(values.iter().copied()).filter(|e| e.1 > 0.0) else { return Ok(None) };
    let wide = (WIDTH - begin - RIGHT) / columns.cells.len().max(1) as f64;
    let heads =
        columns.cells.iter().map(|c| language.cell(c, NAME)).collect::<Result<Vec<_>, ReportError>>()?;
    let longest = heads.iter().map(|h| h.chars().count()).max().unwrap_or(0) as f64 * LETTER;
    // Heads that are wider than their columns are turned.
    let turned = longest > wide;
    let head = if turned { 12.0 + 0.7 * longest } else { 22.0 };
    for (c, name) in heads.iter().enumerate() {
        let x = across(language, begin + (c as f64 + 0.5) * wide);
        if turned {
            let (lean, end) = if language.is_rtl() { (40, "end") } else { (-40, "start") };
            let _ = write!(svg, "<g transform=\"translate({x:.1} {:.1}) rotate({lean})\">", TOP + head - 8.0);
            text(svg, (0.0, 0.0), end, "mark", name);
            svg.push_str("</g>");
        } else {
            text(svg, (x, TOP + 12.0), "middle", "mark", name);
        }
    }
    for (r, name) in rows.cells.iter().enumerate() {
        let top = TOP + head + r as f64 * ROW;
        let said = language.cell(name, NAME)?;
        text(svg, (across(language, begin - 8.0), top + 17.0), anchor(language, true), "name", &said);
        for c in 0..columns.cells.len() {
            let cell = r * columns.cells.len() + c;
            let value = values[cell];
            if !value.is_finite() {
                continue;
            }
            let (a, b) =
                (across(language, begin + c as f64 * wide), across(language, begin + (c + 1) as f64 * wide));
            let strength = (value / most).clamp(0.0, 1.0);
            let shown = language.cell(&shades.cells[cell], VALUE)?;
            let _ = write!(
                svg,
                "<rect class=\"f0\" fill-opacity=\"{:.3}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
                0.06 + 0.84 * strength,
                a.min(b) + 0.5,
                wide - 1.0,
                ROW - 1.0,
                escaped(&format!("{said}, {}: {shown}", language.cell(&columns.cells[c], VALUE)?))
            );
            // Within a cell whole percents do; the tip and the table have the rest.
            let brief = match &shades.cells[cell] {
                Cell::Share(share) => format!("{:.0} %", 100.0 * share),
                _ => shown,
            };
            if brief.chars().count() as f64 * LETTER < wide {
                let class = if strength > 0.7 { "on" } else { "cell" };
                text(svg, ((a + b) / 2.0, top + 17.0), "middle", class, &brief);
            }
        }
    }
    Ok(Some(2.0 * TOP + head + rows.cells.len() as f64 * ROW))
}

fn draw_bridge(
    svg: &mut String,
    language: &Language,
    names: &Values,
    steps: &Values,
) -> Result<Option<f64>, ReportError> {
    let amounts = steps.numbers();
    let n = amounts.len();
    if n < 3 || amounts.iter().any(|a| !a.is_finite()) {
        return Ok(None);
    }
    // Where each bar begins and ends.
    let mut level = 0.0;
    let spans: Vec<(f64, f64)> = amounts
        .iter()
        .enumerate()
        .map(|(i, amount)| {
            let from = if i == 0 || i == n - 1 { 0.0 } else { level };
            level = from + amount;
            (from, level)
        })
        .collect();
    let Some((low, high)) = ends(spans.iter().flat_map(|s| [s.0, s.1])) else { return Ok(None) };
    let y = frame(svg, language, (low.min(0.0), high.max(0.0)), &steps.cells[0])?;
    let wide = (WIDTH - LEFT - RIGHT) / n as f64;
    for (i, (from, to)) in spans.iter().enumerate() {
        let x = LEFT + (i as f64 + 0.15) * wide;
        let (a, b) = (across(language, x), across(language, x + 0.7 * wide));
        let class = match i {
            0 => "f0",
            i if i == n - 1 => "f0",
            _ if to >= from => "f2",
            _ => "f3",
        };
        let name = language.cell(&names.cells[i], ((wide / 6.2) as usize).max(3))?;
        let said = language.cell(&steps.cells[i], VALUE)?;
        let (top, bottom) = (y(from.max(*to)), y(from.min(*to)));
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\"><title>{}</title></rect>",
            a.min(b),
            (b - a).abs(),
            (bottom - top).max(1.0),
            escaped(&format!("{}: {said}", language.cell(&names.cells[i], LONG_TEXT)?))
        );
        text(svg, ((a + b) / 2.0, HEIGHT - BOTTOM + 18.0), "middle", "mark", &name);
        text(svg, ((a + b) / 2.0, (top - 4.0).max(TOP)), "middle", "mark", &said);
    }
    Ok(Some(HEIGHT))
}

/// The numbers of a chart as a table: heads, and rows of cells.
fn grid(chart: &Chart) -> (Vec<Values>, Vec<Vec<Cell>>) {
    match &chart.drawn {
        Drawn::Lines { x, lines, band, .. } => {
            let columns: Vec<Values> =
                std::iter::once(x).chain(lines).chain(band.iter().flatten()).cloned().collect();
            let rows =
                (0..x.cells.len()).map(|i| columns.iter().map(|c| c.cells[i].clone()).collect()).collect();
            (columns, rows)
        }
        Drawn::Bars { names, bars: steps } | Drawn::Bridge { names, steps } => {
            let rows =
                names.cells.iter().zip(&steps.cells).map(|(n, s)| vec![n.clone(), s.clone()]).collect();
            (vec![names.clone(), steps.clone()], rows)
        }
        Drawn::Heat { rows, columns, shades } => {
            let mut heads = vec![rows.clone()];
            heads.extend(columns.cells.iter().map(|c| Values { name: Some(c.clone()), ..columns.clone() }));
            let wide = columns.cells.len().max(1);
            let lines = rows.cells.iter().zip(shades.cells.chunks(wide));
            (heads, lines.map(|(name, cells)| [std::slice::from_ref(name), cells].concat()).collect())
        }
    }
}

/// A CSV file as the address of a link: names of columns, numbers with all their digits. A text that a spreadsheet would take for a formula is told from one by an apostrophe.
fn csv(columns: &[Values], rows: &[Vec<Cell>]) -> String {
    let plain = |cell: &Cell| match cell {
        Cell::Day(day) => day.to_string(),
        Cell::Text(text) | Cell::Word(text) => text.clone(),
        cell => Some(number(cell)).filter(|v| v.is_finite()).map(|v| v.to_string()).unwrap_or_default(),
    };
    let head = |c: &Values| match &c.name {
        Some(name) => format!("{} {}", c.column, plain(name)),
        None => c.column.to_owned(),
    };
    let cell = |text: &String| {
        let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
        let text = if formula { format!("'{text}") } else { text.clone() };
        if text.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        }
    };
    let line = |cells: &[String]| cells.iter().map(cell).collect::<Vec<_>>().join(",");
    let heads: Vec<String> = columns.iter().map(head).collect();
    let lines = std::iter::once(line(&heads))
        .chain(rows.iter().map(|row| line(&row.iter().map(plain).collect::<Vec<_>>())));
    let mut address = String::from("data:text/csv;charset=utf-8,");
    for byte in lines.collect::<Vec<_>>().join("\r\n").bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'_' | b'.' | b',' => address.push(byte as char),
            byte => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address
}
