use std::fs;

use super::*;

fn look(name: &str, content: &[u8]) -> Proposal {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    inspect(&[InputFile { name: name.into(), path }], &Answers::default()).unwrap()
}

fn name(column: &Option<ColumnRef>) -> String {
    column.as_ref().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn a_semicolon_file_with_decimal_commas() {
    let text = "Customer No;Order No;Order Date;Article;Qty;Line total\r\n\
                K1;1001;31.12.2023;A-1;2;1.234,50\r\nK2;1002;01.02.2024;A-2;1;9,99\r\n";
    let p = look("a.csv", text.as_bytes());
    assert_eq!(
        (p.input.delimiter.as_str(), p.input.decimal.as_str(), p.input.thousands.as_str()),
        (";", ",", ".")
    );
    assert_eq!(p.input.date_format.all(), ["%d.%m.%Y"]);
    assert_eq!(name(&p.columns.customer), "Customer No");
    assert_eq!(name(&p.columns.order), "Order No");
    assert_eq!(name(&p.columns.product), "Article");
    assert_eq!(name(&p.columns.quantity), "Qty");
    assert_eq!(name(&p.columns.amount), "Line total");
    assert!(p.columns.price.is_none());
}

#[test]
fn day_or_month_first_is_said_to_be_unsure() {
    let rows = |d: &str| format!("customer_id,order_date,amount\nA,{d},1.50\nB,05/06/2023,2.50\n");
    let p = look("a.csv", rows("01/02/2023").as_bytes());
    assert!(p.unsure.iter().any(|u| u.contains("%d/%m/%Y and as %m/%d/%Y")), "{:?}", p.unsure);
    let p = look("a.csv", rows("01/22/2023").as_bytes());
    assert_eq!(p.input.date_format.all(), ["%m/%d/%Y"]);
    assert!(!p.unsure.iter().any(|u| u.contains("alike")));
}

#[test]
fn no_header_and_runs_of_blanks() {
    let text = " 00004 0001 19970101  2   29.33\r\n 00004 0001 19970118  2   29.73\r\n 00021 0002 19970101  3   63.34\r\n";
    let p = look("a.txt", text.as_bytes());
    assert_eq!(p.input.delimiter, "blanks");
    assert!(!p.input.header);
    assert_eq!((name(&p.columns.customer), name(&p.columns.date)), ("1".into(), "3".into()));
    assert_eq!((name(&p.columns.quantity), name(&p.columns.amount)), ("4".into(), "5".into()));
}

#[test]
fn encodings_that_are_not_utf8() {
    let western =
        b"customer_id,order_date,amount,country\nA,2023-01-02,1.50,Espa\xf1a\nB,2023-01-03,2.50,France\n";
    assert_eq!(look("a.csv", western).input.encoding, "windows-1252");
    let text = "customer_id,order_date,amount,country\nA,2023-01-02,1.50,ایران\nB,2023-01-03,2.50,تهران\n";
    let persian = encoding_rs::WINDOWS_1256.encode(&text.replace('ی', "ي")).0.into_owned();
    assert_eq!(look("a.csv", &persian).input.encoding, "windows-1256");
    // The same kind of text in the other encoding of Arabic letters: كريم, القاهرة (bytes of ISO-8859-6).
    let arabic = b"customer_id,order_date,amount,city\nA,2023-01-02,1.50,\xe3\xd1\xea\xe5\nB,2023-01-03,2.50,\xc7\xe4\xe2\xc7\xe7\xd1\xc9\n";
    assert_eq!(look("a.csv", arabic).input.encoding, "iso-8859-6");
}

#[test]
fn json_lines_have_keys() {
    let text =
        "{\"customer\":\"A\",\"ts\":1,\"order_date\":\"2023-01-02T10:00:00Z\",\"total\":3.5}\n".repeat(3);
    let p = look("a.jsonl", text.as_bytes());
    assert_eq!((name(&p.columns.customer), name(&p.columns.amount)), ("customer".into(), "total".into()));
    assert_eq!(name(&p.columns.date), "order_date");
}

#[test]
fn what_is_missing_is_left_open_and_named() {
    let p = look("a.csv", b"customer,colour\nA,red\nB,blue 7\nC,green\n");
    let keys: Vec<&str> = p.open.iter().map(|o| o.key).collect();
    assert_eq!(keys, ["date", "amount"], "{:?}", p.open);
    assert!(p.open[0].what.contains("the columns are `customer`, `colour`"), "{}", p.open[0].what);
}
