//! The bodies of the fuzz targets under proptest: valid files with damage, a few hundred of each kind, within bounds of time
//! and memory. `PROPTEST_CASES=20000 cargo test --release --workspace --test fuzz` makes as many as are asked for.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops where it is")]

mod bodies;

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::mpsc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};

/// Texts that readers have met in the wild, and those that mean something to them.
const WORDS: [&str; 28] = [
    "\"", "\"\"", ",", ";", "\t", "\n", "\r\n", "\r", "\0", "\u{feff}", "|", "\\", "'", "=\"12\"",
    "9999-12-31", "-1e308", "NaN", "1.234,56", "٣٫٥", "1398/01/01", "{", "}", "[", "]", ":", "<tr><td>",
    "\u{202e}", "0000-00-00",
];

/// One piece of damage: what is done, where, as a share of the length, and with what.
type Damage = (u8, f64, f64, usize, u8);

fn damage() -> impl Strategy<Value = Vec<Damage>> {
    prop::collection::vec((0u8..6, 0.0..1.0f64, 0.0..0.2f64, 0..WORDS.len(), any::<u8>()), 0..8)
}

fn damaged(seed: &[u8], damage: &[Damage]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (what, at, length, word, byte) in damage {
        let at = (at * bytes.len() as f64) as usize;
        let end = (at + (length * bytes.len() as f64) as usize).min(bytes.len());
        match what {
            0 if at < bytes.len() => bytes[at] = *byte,
            1 if at < bytes.len() => bytes[at] ^= 1 << (byte % 8),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let copy = bytes[at..end].to_vec();
                bytes.splice(at..at, copy);
            }
            4 => drop(bytes.splice(at..at, WORDS[*word].bytes())),
            _ => bytes[at..end].fill(*byte),
        }
    }
    bytes
}

fn rows() -> Vec<[String; 5]> {
    let row = |i: usize| {
        [
            format!("c{}", i % 7),
            format!("o{}", i / 2),
            format!("2023-{:02}-{:02}", 1 + i % 12, 1 + i % 28),
            format!("{}.50", 3 + i % 40),
            format!("p{}", i % 5),
        ]
    };
    (0..60).map(row).collect()
}

const NAMES: [&str; 5] = ["customer", "order", "date", "amount", "product"];

/// A valid file for each body.
fn seed(body: &str) -> Vec<Vec<u8>> {
    let rows = rows();
    let object = |r: &[String; 5]| {
        let fields: Vec<String> = NAMES.iter().zip(r).map(|(n, v)| format!("\"{n}\":\"{v}\"")).collect();
        format!("{{{}}}", fields.join(","))
    };
    let lines =
        |of: &dyn Fn(&[String; 5]) -> String, by: &str| rows.iter().map(of).collect::<Vec<_>>().join(by);
    let text = match body {
        "csv" => NAMES.join(",") + "\n" + &lines(&|r| r.join(","), "\n"),
        "json_lines" => lines(&object, "\n"),
        "json" => format!("[{}]", lines(&object, ",")),
        "html" => {
            let row = |cells: &[String]| format!("<tr><td>{}</td></tr>", cells.join("</td><td>"));
            format!(
                "<html><table>{}{}</table></html>",
                row(&NAMES.map(str::to_owned)),
                lines(&|r| row(r), "")
            )
        }
        "dates" => lines(&|r| r[2].clone(), "\n"),
        "numbers" => lines(&|r| r[3].clone(), "\n"),
        "config" => return vec![include_bytes!("../../models/tillwise.toml").to_vec()],
        "models" => {
            return vec![
                include_bytes!("../../models/rfm.json").to_vec(),
                include_bytes!("../../models/cluster.json").to_vec(),
                include_bytes!("../../models/clv.json").to_vec(),
            ];
        }
        "workbook" => {
            let mut book = Workbook::new();
            let sheet = book.add_worksheet();
            let date = Format::new().set_num_format("yyyy-mm-dd");
            for (c, name) in NAMES.iter().enumerate() {
                sheet.write_string(0, c as u16, *name).unwrap();
            }
            for (i, row) in rows.iter().enumerate() {
                let line = i as u32 + 1;
                for c in [0, 1, 4] {
                    sheet.write_string(line, c as u16, &row[c]).unwrap();
                }
                let day = ExcelDateTime::parse_from_str(&row[2]).unwrap();
                sheet.write_datetime_with_format(line, 2, &day, &date).unwrap();
                sheet.write_number(line, 3, row[3].parse::<f64>().unwrap()).unwrap();
            }
            return vec![book.save_to_buffer().unwrap()];
        }
        "parquet" => return vec![parquet(&rows)],
        other => panic!("no seed for {other}"),
    };
    vec![text.into_bytes()]
}

fn parquet(rows: &[[String; 5]]) -> Vec<u8> {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    let column =
        |c: usize| Arc::new(rows.iter().map(|r| Some(r[c].clone())).collect::<StringArray>()) as ArrayRef;
    let batch = RecordBatch::try_from_iter(NAMES.iter().enumerate().map(|(c, n)| (*n, column(c)))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    tillwise_table::write_table(&path, batch, tillwise_table::Compression::Zstd, &[]).unwrap();
    std::fs::read(path).unwrap()
}

/// Runs a body on bytes, no longer than a minute: such a file is read in milliseconds.
fn survives(name: &str, body: bodies::Body, bytes: &[u8]) -> Result<(), String> {
    let (send, receive) = mpsc::channel();
    let owned = bytes.to_vec();
    std::thread::spawn(move || {
        let _ = send.send(catch_unwind(AssertUnwindSafe(|| body(&owned))).is_ok());
    });
    match receive.recv_timeout(Duration::from_secs(60)) {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{name} panicked")),
        Err(_) => Err(format!("{name} does not end")),
    }
}

#[test]
fn damaged_files_do_no_harm() {
    for (name, body) in bodies::BODIES {
        let seeds = seed(name);
        for seed in &seeds {
            survives(name, body, seed).expect("the valid file");
            let asked = std::env::var("PROPTEST_CASES").ok().and_then(|n| n.parse().ok());
            let config =
                Config { cases: asked.unwrap_or(200), failure_persistence: None, ..Config::default() };
            let mut runner = TestRunner::new_with_rng(
                config,
                proptest::test_runner::TestRng::deterministic_rng(
                    proptest::test_runner::RngAlgorithm::ChaCha,
                ),
            );
            let outcome = runner.run(&damage(), |damage| {
                survives(name, body, &damaged(seed, &damage)).map_err(TestCaseError::fail)
            });
            if let Err(e) = outcome {
                panic!("{name}: {e}");
            }
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    assert!(peak.is_none_or(|kb| kb < 1_500_000), "{peak:?} kB at the most");
}
