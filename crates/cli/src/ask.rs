//! Questions of `init` on a terminal: what only a person knows of an export.

use std::io::{self, BufRead, Write};

use tillwise_core::shown;
use tillwise_ingest::inspect::{Answers, Proposal};

/// Answers to a question that cannot be used, before it is left open.
const TRIES: usize = 3;

/// Asks the first open question that was not declined before, and takes down the answer. Whether there is a new one.
pub fn ask(
    proposal: &Proposal,
    declined: &mut Vec<&'static str>,
    answers: &mut Answers,
    input: &mut impl BufRead,
    output: &mut impl Write,
) -> io::Result<bool> {
    for open in &proposal.open {
        if declined.contains(&open.key) {
            continue;
        }
        let is_column = open.table == "columns";
        writeln!(output, "[{}] {}: {}.", open.table, open.key, shown(&open.what))?;
        for _ in 0..TRIES {
            let what = if is_column { "The column" } else { "Its value" };
            write!(output, "  {what} (nothing leaves it open): ")?;
            output.flush()?;
            let mut line = String::new();
            let ended = input.read_line(&mut line)? == 0;
            let answer = line.trim();
            if ended || answer.is_empty() {
                break;
            }
            if !is_column {
                answers.currency = Some(answer.to_owned());
                return Ok(true);
            }
            let places = 1..=proposal.seen.len();
            if proposal.seen.iter().any(|(name, _)| name == answer)
                || answer.parse().is_ok_and(|n: usize| places.contains(&n))
            {
                answers.columns.insert(open.key.to_owned(), answer.to_owned());
                // Asked again, it was no help.
                declined.push(open.key);
                return Ok(true);
            }
            writeln!(output, "  There is no column `{}`.", shown(answer))?;
        }
        declined.push(open.key);
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use tillwise_ingest::inspect::inspect;
    use tillwise_ingest::InputFile;

    use super::*;

    #[test]
    fn an_answer_is_taken_and_a_wrong_one_is_asked_for_again() {
        let path = std::env::temp_dir().join(format!("tillwise_ask_{}.csv", std::process::id()));
        let mut text = String::from("zug,day,x\n");
        for i in 0..200 {
            text += &format!("p{},2023-0{}-1{},{}.50\n", i % 37, 1 + i % 9, i % 10, 5 + i % 13);
        }
        std::fs::write(&path, text).unwrap();
        let files = [InputFile { name: "a.csv".into(), path: PathBuf::from(&path) }];
        let (mut answers, mut declined) = (Answers::default(), Vec::new());
        let mut proposal = inspect(&files, &answers).unwrap();
        assert!(!proposal.open.is_empty());
        let (mut said, mut typed) = (Vec::new(), "nobody\nzug\nx\n".as_bytes());
        while ask(&proposal, &mut declined, &mut answers, &mut typed, &mut said).unwrap() {
            proposal = inspect(&files, &answers).unwrap();
        }
        std::fs::remove_file(&path).unwrap();
        assert!(proposal.open.is_empty(), "{:?}", proposal.open);
        assert_eq!(proposal.columns.customer.unwrap().to_string(), "zug");
        let account = proposal.account.unwrap();
        assert_eq!((account.rows, account.accepted, account.customers), (200, 200, 37));
        assert!(String::from_utf8(said).unwrap().contains("There is no column `nobody`"));
    }
}
