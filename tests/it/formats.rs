//! The same orders in every format and encoding give the same customers.

use std::fs;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use tillwise_table::{write_table, Compression, Table};

use crate::support::{assert_same, Scene};

/// Customer, order, moment, product, quantity, price: with an accent, a comma and a quote in a name.
fn orders() -> Vec<(String, String, String, String, i64, f64)> {
    (0..200i64)
        .map(|i| {
            let product = match i % 3 {
                0 => "Café".to_owned(),
                1 => "Lamp, small".to_owned(),
                _ => "15\" ruler".to_owned(),
            };
            let moment = format!("2023-{:02}-{:02} 10:{:02}:00", 1 + i % 12, 1 + i % 28, i % 60);
            (
                format!("{:05}", i % 17),
                format!("A{}", i / 2),
                moment,
                product,
                1 + i % 5,
                1000.0 + (i % 9) as f64 + 0.25,
            )
        })
        .collect()
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn csv(delimiter: &str) -> String {
    let mut text = ["customer", "order", "moment", "product", "quantity", "price"].join(delimiter) + "\r\n";
    for (customer, order, moment, product, quantity, price) in orders() {
        text += &[customer, order, moment, quoted(&product), quantity.to_string(), price.to_string()]
            .join(delimiter);
        text += "\r\n";
    }
    text
}

const COLUMNS: &str = "[columns]\ncustomer = \"customer\"\norder = \"order\"\ndate = \"moment\"\nproduct = \"product\"\nquantity = \"quantity\"\nprice = \"price\"\n";

/// The customer table of a file read with these input settings.
fn customers(name: &str, content: &[u8], input: &str) -> Table {
    let scene = Scene::new();
    scene.write(name, content);
    scene.write("tillwise.toml", format!("[input]\nfiles = [\"{name}\"]\n{input}\n{COLUMNS}"));
    let line = scene.done(&["customers"]);
    assert_eq!(line["rows_accepted"], 200, "{name}");
    scene.table("out/stages/customers/customers.parquet")
}

fn plain() -> Table {
    customers("a.csv", csv(",").as_bytes(), "")
}

#[test]
fn delimiters_marks_and_compression_make_no_difference() {
    let plain = plain();
    assert_same(&plain, &customers("a.csv", csv(";").as_bytes(), "delimiter = \";\""));
    assert_same(&plain, &customers("a.tsv", csv("\t").as_bytes(), "delimiter = \"tab\""));
    assert_same(&plain, &customers("a.csv", format!("\u{feff}{}", csv(",")).as_bytes(), ""));
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(csv(",").as_bytes()).unwrap();
    assert_same(&plain, &customers("a.csv.gz", &gz.finish().unwrap(), ""));
    assert_same(&plain, &customers("a.csv.zst", &zstd::encode_all(csv(",").as_bytes(), 3).unwrap(), ""));
    let german = csv(";").replace(".25", ",25").replace(";10", ";1.0");
    assert_same(
        &plain,
        &customers("a.csv", german.as_bytes(), "delimiter = \";\"\ndecimal = \",\"\nthousands = \".\""),
    );
}

#[test]
fn other_encodings_read_by_name() {
    let plain = plain();
    let western: Vec<u8> = csv(",").chars().map(|c| c as u8).collect();
    assert_same(&plain, &customers("a.csv", &western, "encoding = \"windows-1252\""));
    let persian = csv(",").replace("Café", "چراغ");
    let encoded = encoding_rs::WINDOWS_1256.encode(&persian).0.into_owned();
    assert_same(
        &customers("a.csv", persian.as_bytes(), ""),
        &customers("a.csv", &encoded, "encoding = \"windows-1256\""),
    );
    let utf16: Vec<u8> =
        std::iter::once(0xfeff).chain(csv(",").encode_utf16()).flat_map(u16::to_le_bytes).collect();
    // A byte-order mark wins.
    assert_same(&plain, &customers("a.csv", &utf16, ""));
}

#[test]
fn json_lines_parquet_and_excel() {
    let plain = plain();
    let json: String = orders()
        .into_iter()
        .map(|(c, o, m, p, q, price)| {
            serde_json::json!({"customer": c, "order": o, "moment": m, "product": p, "quantity": q, "price": price}).to_string() + "\n"
        })
        .collect();
    assert_same(&plain, &customers("a.jsonl", json.as_bytes(), ""));

    let rows = orders();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer", Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.0)))),
        ("order", Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.1)))),
        ("moment", Arc::new(TimestampMicrosecondArray::from_iter_values(rows.iter().map(|r| micros(&r.2))))),
        ("product", Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.3)))),
        ("quantity", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.4)))),
        ("price", Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r.5)))),
    ];
    let scene = Scene::new();
    write_table(
        &scene.path("a.parquet"),
        RecordBatch::try_from_iter(columns).unwrap(),
        Compression::Zstd,
        &[],
    )
    .unwrap();
    // Typed dates are read as what they are, whatever the text format says.
    let bytes = fs::read(scene.path("a.parquet")).unwrap();
    assert_same(&plain, &customers("a.parquet", &bytes, "date_format = \"%d/%m/%Y\""));

    let mut book = rust_xlsxwriter::Workbook::new();
    let dates = rust_xlsxwriter::Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let sheet = book.add_worksheet().set_name("Orders").unwrap();
    for (c, name) in ["customer", "order", "moment", "product", "quantity", "price"].into_iter().enumerate() {
        sheet.write(0, c as u16, name).unwrap();
    }
    for (row, (customer, order, moment, product, quantity, price)) in (1u32..).zip(orders()) {
        let moment = rust_xlsxwriter::ExcelDateTime::parse_from_str(&moment).unwrap();
        sheet.write(row, 0, customer).unwrap();
        sheet.write(row, 1, order).unwrap();
        sheet.write_with_format(row, 2, moment, &dates).unwrap();
        sheet.write(row, 3, product).unwrap();
        sheet.write(row, 4, quantity).unwrap();
        sheet.write(row, 5, price).unwrap();
    }
    assert_same(&plain, &customers("a.xlsx", &book.save_to_buffer().unwrap(), "sheet = \"Orders\""));
}

fn micros(moment: &str) -> i64 {
    let day: tillwise_core::Day = moment[..10].parse().unwrap();
    let (h, m): (i64, i64) = (moment[11..13].parse().unwrap(), moment[14..16].parse().unwrap());
    ((i64::from(day.0) * 24 + h) * 60 + m) * 60_000_000
}

#[test]
fn malformed_csv_is_rejected_line_by_line() {
    let scene = Scene::new();
    let mut text = b"customer,order,moment,product,quantity,price\n".to_vec();
    text.extend_from_slice(b"a,1,2023-01-01,good,1,2.00\n"); // 2
    text.extend_from_slice(b"a,1,2023-01-01,short,1\n"); // 3
    text.extend_from_slice(b"a,2,2023-01-02,\"open,1,2.00\n"); // 4
    text.extend_from_slice(b"a,3,2023-01-03,good,1,2.00\n"); // 5
    text.extend_from_slice(b"a,4,2023-01-04,caf\xe9,1,2.00\n"); // 6
    text.extend_from_slice(b"a,5,2023-01-05,\"two\nlines\",1,2.00\n"); // 7, 8
    text.extend_from_slice(b"\n"); // 9
    text.extend_from_slice(b"a,6,2023-13-05,good,1,2.00\n"); // 10
    text.extend_from_slice(b"a,7,2023-01-07,15\" ruler,1,2.00\n"); // 11
    text.extend_from_slice(b"13085.0,8,2023-01-08,good,1,2.00"); // 12, no line end
    scene.write("a.csv", &text);
    scene.write("tillwise.toml", format!("[input]\nfiles = [\"a.csv\"]\n{COLUMNS}"));
    let line = scene.done(&["customers"]);
    let record = scene.json("out/stages/customers/run.json");
    let reasons = &record["quality"]["rejected_by_reason"];
    let rejects = scene.table("out/stages/customers/rejects/rejects.parquet");
    let found: Vec<(f64, &str)> =
        rejects.f64s("line").unwrap().into_iter().zip(rejects.texts("reason").unwrap()).collect();
    assert_eq!(
        found,
        [(3.0, "ragged_row"), (4.0, "unclosed_quote"), (6.0, "bad_encoding"), (10.0, "bad_date")],
        "{reasons}"
    );
    assert_eq!((line["rows_read"].as_u64(), line["rows_accepted"].as_u64()), (Some(9), Some(5)));
    assert_eq!(
        scene.table("out/stages/customers/customers.parquet").texts("customer_id").unwrap(),
        ["13085", "a"]
    );
}

#[test]
fn a_quote_left_open_to_the_end_loses_one_line_only() {
    let scene = Scene::new();
    let rows: String =
        (0..50_000).map(|i| format!("c{},o{i},2023-01-{:02},p,1,2.00\n", i % 100, 1 + i % 28)).collect();
    scene.write(
        "a.csv",
        format!("customer,order,moment,product,quantity,price\na,0,2023-01-01,\"open,1,2.00\n{rows}"),
    );
    scene.write("tillwise.toml", format!("[input]\nfiles = [\"a.csv\"]\n{COLUMNS}"));
    let line = scene.done(&["ingest"]);
    assert_eq!((line["rows_read"].as_u64(), line["rows_accepted"].as_u64()), (Some(50_001), Some(50_000)));
}

#[test]
fn cleaning_policies_do_what_they_say() {
    let rows = "customer,order,moment,product,quantity,price,state\n\
        a,1,2023-01-01,p,2,5.00,paid\n\
        a,C2,2023-01-02,p,-1,5.00,paid\n\
        a,3,2023-01-03,p,1,0.00,paid\n\
        a,4,2023-01-04,POST,1,4.00,paid\n\
        a,5,2023-01-05,p,1,-3.00,paid\n\
        a,6,2023-01-06,p,1,7.00,CANCELLED\n\
        ,7,2023-01-07,p,1,7.00,paid\n\
        a,8,1999-01-07,p,1,7.00,paid\n";
    let accepted = |cleaning: &str| {
        let scene = Scene::new();
        scene.write("a.csv", rows);
        let columns = format!("{COLUMNS}cancelled = \"state\"\n");
        scene.write("tillwise.toml", format!("[input]\nfiles = [\"a.csv\"]\n{columns}[cleaning]\nearliest = \"2000-01-01\"\n{cleaning}\n[gates]\nmax_reject_share = 1.0"));
        let ended = scene.tillwise(&["customers"]);
        if ended.code != 0 {
            return (ended.stderr, 0.0, 0.0);
        }
        let table = scene.table("out/stages/customers/customers.parquet");
        let record = scene.json("out/stages/customers/run.json");
        let reasons: Vec<String> =
            record["quality"]["rejected_by_reason"].as_object().unwrap().keys().cloned().collect();
        (reasons.join(" "), table.f64s("net_revenue").unwrap()[0], table.f64s("returns_value").unwrap()[0])
    };
    let base = "cancelled_prefix = \"C\"";
    assert_eq!(
        accepted(base),
        ("cancelled date_out_of_range missing_customer negative_price zero_amount".into(), 9.0, 5.0)
    );
    assert_eq!(accepted(&format!("{base}\nreturns = \"separate\"")).1, 14.0);
    assert_eq!(accepted(&format!("{base}\nreturns = \"exclude\"")).2, 0.0);
    assert_eq!(accepted(&format!("{base}\ncancelled = \"exclude\"")).2, 0.0);
    assert_eq!(accepted(&format!("{base}\nnot_products = [\"PO*\"]")).1, 5.0);
    assert_eq!(accepted(&format!("{base}\nnegative_price = \"return\"")).2, 8.0);
    assert!(!accepted(&format!("{base}\nzero_amount = \"keep\"")).0.contains("zero_amount"));
    assert!(accepted(&format!("{base}\nlatest = \"2023-01-03\"")).1 == 5.0);
    assert!(accepted("missing_customer = \"fail\"").0.contains("a.csv, line 8: no customer"));
}

/// Accepted rows, rejected rows, gross revenue and returned value of an export.
fn sums(files: &[(&str, &[u8])], config: &str) -> (u64, u64, f64, f64) {
    let scene = Scene::new();
    for (name, content) in files {
        scene.write(name, content);
    }
    let names: Vec<&str> = files.iter().map(|f| f.0).collect();
    let columns =
        "[columns]\ncustomer = \"customer\"\norder = \"order\"\ndate = \"date\"\namount = \"amount\"\n";
    let (input, rest) = config.split_once('|').unwrap_or((config, ""));
    scene.write("tillwise.toml", format!("[input]\nfiles = {names:?}\n{input}\n{columns}{rest}"));
    scene.done(&["ingest"]);
    let q = scene.json("out/stages/ingest/run.json")["quality"].clone();
    let number = |key: &str| q[key].as_f64().unwrap();
    (
        number("rows_accepted") as u64,
        number("rows_rejected") as u64,
        number("gross_revenue"),
        number("returns_value"),
    )
}

#[test]
fn lone_carriage_returns_and_pairs_of_stray_quotes_lose_nothing() {
    let text =
        b"customer,order,date,amount\n\"A\",o1,2024-01-01,5\r\"B\",o2,2024-01-02,6\nC,o3,2024-01-03,7\n";
    assert_eq!(sums(&[("a.csv", text)], "").1, 1, "a row that is not one is rejected whole");
    let text = b"customer,order,date,amount,note\nA,1,2024-01-01,5,\"stray\nB,2,2024-01-02,6,x\nC,3,2024-01-03,7,y\n\
        D,4,2024-01-04,8,\"stray2\nE,5,2024-01-05,9,z\n";
    assert_eq!(sums(&[("a.csv", text)], ""), (3, 2, 22.0, 0.0));
}

#[test]
fn numbers_that_a_format_types_are_not_read_with_the_marks_of_text() {
    let json = b"{\"customer\":\"a\",\"order\":1,\"date\":\"2024-01-01\",\"amount\":12.5}\n\
        {\"customer\":\"a\",\"order\":2,\"date\":\"2024-01-02\",\"amount\":\"1.000,25\"}\n";
    assert_eq!(sums(&[("a.jsonl", json)], "decimal = \",\"\nthousands = \".\"").2, 1012.75);
}

#[test]
fn refunds_count_against_the_customer_with_either_sign() {
    let text = b"customer,order,date,qty,amount\na,1,2024-01-01,1,100\na,2,2024-01-02,-1,100\na,3,2024-01-03,1,-10\n";
    assert_eq!(sums(&[("a.csv", text)], "|quantity = \"qty\"\n"), (3, 0, 100.0, 110.0));
}

#[test]
fn a_repeat_is_one_however_its_file_quotes() {
    let plain = b"customer,order,date,amount\nA,o1,2024-01-01,5\n";
    let quoted = b"customer,order,date,amount\n\"A\",\"o1\",\"2024-01-01\",\"5\"\n";
    let blanks = b"customer,order,date,amount\nB,o1,2024-01-01,5\n";
    assert_eq!(sums(&[("a.csv", plain), ("b.csv", quoted), ("c.csv", blanks)], ""), (2, 1, 10.0, 0.0));
}

#[test]
fn an_export_over_a_century_needs_no_more_files_than_one_over_a_year() {
    let mut text = "customer,order,date,amount\n".to_owned();
    for month in 0..1400 {
        text += &format!("c{},{month},{:04}-{:02}-01,1.00\n", month % 9, 1900 + month / 12, 1 + month % 12);
    }
    assert_eq!(sums(&[("a.csv", text.as_bytes())], ""), (1400, 0, 1400.0, 0.0));
}
