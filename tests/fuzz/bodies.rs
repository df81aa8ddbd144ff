//! What is done with bytes that may be anything: by `cargo fuzz` on nightly, and by `stable.rs` in every test run.
//!
//! A body may find the bytes wrong; it may not panic, and every row that it reads must be accepted or rejected.

use std::fs;
use std::path::Path;

use tillwise_core::{ModelFile, Parameters};
use tillwise_ingest::inspect::{inspect, Answers};
use tillwise_ingest::{ingest, InputFile};
use tillwise_mine::{churn, cluster, clv, offer, rfm};
use tillwise_pipeline::Config;

/// Does something with bytes.
pub type Body = fn(&[u8]);

/// Every body by its name.
pub const BODIES: [(&str, Body); 10] = [
    ("csv", csv),
    ("json_lines", json_lines),
    ("json", json),
    ("html", html),
    ("workbook", workbook),
    ("parquet", parquet),
    ("dates", dates),
    ("numbers", numbers),
    ("config", config),
    ("models", models),
];

/// Delimited text.
pub fn csv(bytes: &[u8]) {
    export("a.csv", bytes);
}

/// JSON lines.
pub fn json_lines(bytes: &[u8]) {
    export("a.jsonl", bytes);
}

/// One JSON document.
pub fn json(bytes: &[u8]) {
    export("a.json", bytes);
}

/// A page with tables.
pub fn html(bytes: &[u8]) {
    export("a.html", bytes);
}

/// A workbook.
pub fn workbook(bytes: &[u8]) {
    export("a.xlsx", bytes);
}

/// Parquet.
pub fn parquet(bytes: &[u8]) {
    export("a.parquet", bytes);
}

/// Each line as a date.
pub fn dates(bytes: &[u8]) {
    column(bytes, "customer,order,amount,date\n", |i, text| format!("c{},o{i},5,{text}\n", i % 7));
}

/// Each line as an amount of money.
pub fn numbers(bytes: &[u8]) {
    column(bytes, "customer,order,date,amount\n", |i, text| {
        format!("c{},o{i},2023-01-{:02},{text}\n", i % 7, 1 + i % 28)
    });
}

fn column(bytes: &[u8], header: &str, row: impl Fn(usize, &str) -> String) {
    let text = String::from_utf8_lossy(bytes);
    let rows = text.lines().take(200).enumerate();
    let quoted = |line: &str| format!("\"{}\"", line.replace('"', "\"\""));
    let csv = header.to_owned() + &rows.map(|(i, line)| row(i, &quoted(line))).collect::<String>();
    export("a.csv", csv.as_bytes());
}

/// A config.
pub fn config(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tillwise.toml");
    fs::write(&path, bytes).expect("a file");
    let _ = Config::read(&path);
}

/// The models' files.
pub fn models(bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    fn load<P: Parameters>(folder: &Path, bytes: &[u8]) {
        fs::write(folder.join(ModelFile::<P>::file_name()), bytes).expect("a file");
        let _ = ModelFile::<P>::load(folder);
    }
    load::<rfm::Rfm>(folder.path(), bytes);
    load::<cluster::Clusters>(folder.path(), bytes);
    load::<churn::Churn>(folder.path(), bytes);
    load::<clv::Clv>(folder.path(), bytes);
    load::<offer::Offers>(folder.path(), bytes);
}

/// An export as a new user meets it: looked at, and read by what was found.
fn export(name: &str, bytes: &[u8]) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    fs::write(&path, bytes).expect("a file");
    let files = vec![InputFile { name: name.to_owned(), path }];
    let Ok(proposal) = inspect(&files, &Answers::default()) else { return };
    let plan = proposal.plan(&files, folder.path());
    match ingest(&plan, &folder.path().join("out")) {
        Ok(quality) => {
            assert_eq!(quality.rows_read, quality.rows_accepted + quality.rows_rejected, "a row is lost");
        }
        Err(e) => assert!(!e.to_string().contains("defect"), "{e}"),
    }
}
