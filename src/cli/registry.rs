//! `phigate registry`: the organization's test people. Who they are is kept as keyed hashes alone; whoever proposes one
//! can't approve it.

use super::keys::{audited, checked, finish, now, there};
use super::out;
use super::table::{self, Row};
use crate::inspect::decode::Budget;
use crate::inspect::finding::MadeUp;
use crate::inspect::known::Remember;
use crate::inspect::{Inspector, Message, RuleSet};
use crate::people::People;
use crate::secrets::Secrets;
use crate::store::Control;
use crate::store::registry::{Approved, Proposal, Proposed, Tags, TestPerson};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What `phigate registry` takes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The gateway's data folder (`data_dir`).
    #[arg(long, value_name = "FOLDER", default_value = "phigate-data", global = true)]
    data: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Propose the people of a file: a FHIR Bundle or resource, NDJSON, or CSV with a header line (`.csv`).
    Import {
        /// The file.
        file: PathBuf,
        #[command(flatten)]
        who: Who,
    },
    /// Propose the unknown people that a connection keeps sending; needs `learn = true` in `[registry]`.
    Learn {
        /// The connection.
        #[arg(long)]
        connection: String,
        /// Only people that came at least so often.
        #[arg(long, default_value_t = 3)]
        times: u32,
        #[command(flatten)]
        who: Who,
    },
    /// Propose the person of a refusal, by the id that it told; within a day.
    Request {
        /// What stands in `phigate-register` of the refusal.
        id: String,
        #[command(flatten)]
        who: Who,
    },
    /// Approve proposed people; whoever proposed can't.
    Approve {
        /// Their ids.
        #[arg(required_unless_present = "source")]
        ids: Vec<String>,
        /// All pending people of this source, as `list` shows it.
        #[arg(long, conflicts_with = "ids")]
        source: Option<String>,
        /// Who approves.
        #[arg(long = "as", value_name = "NAME")]
        name: String,
    },
    /// List people: ids, sources, names of who added and approved; never a value.
    List,
    /// Take people out.
    Remove {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

#[derive(Debug, clap::Args)]
struct Who {
    /// Who proposes.
    #[arg(long = "as", value_name = "NAME")]
    name: String,
    /// Days until the people expire.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=3650))]
    expires_days: u32,
}

/// Runs it. Exit code 0: done, 1: some or all were not taken, 2: error.
#[must_use]
pub fn run(args: &Args) -> ExitCode {
    finish("registry", command(args))
}

fn command(args: &Args) -> Result<ExitCode, String> {
    if !matches!(args.command, Command::Import { .. }) {
        there(&args.data)?;
    }
    let secrets = Secrets::open_or_create(&args.data).map_err(|e| e.to_string())?;
    let control = Control::open(&args.data, secrets.pepper.clone()).map_err(|e| e.to_string())?;
    let registry = Registry { data: &args.data, control: &control, secrets: &secrets };
    match &args.command {
        Command::Import { file, who } => registry.import(file, who),
        Command::Learn { connection, times, who } => {
            let seen = control.seen_people(checked(connection)?, *times, now()).map_err(|e| e.to_string())?;
            if seen.is_empty() {
                out::complain(
                    "No unknown person came so often. People are counted where [registry] has learn = true.",
                );
                return Ok(ExitCode::from(1));
            }
            let mut tally = Tally::default();
            for (tags, times) in seen {
                registry.propose(
                    tags,
                    &format!("learned:{connection}"),
                    who,
                    &format!("{times} times"),
                    &mut tally,
                )?;
            }
            Ok(tally.tell())
        }
        Command::Request { id, who } => {
            let id = checked(id)?;
            let Some(tags) = control.refused_person(id, now()).map_err(|e| e.to_string())? else {
                out::complain("No refusal of the last day told this id.");
                return Ok(ExitCode::from(1));
            };
            let mut tally = Tally::default();
            registry.propose(tags, &format!("request:{id}"), who, id, &mut tally)?;
            Ok(tally.tell())
        }
        Command::Approve { ids, source, name } => registry.approve(ids, source.as_deref(), checked(name)?),
        Command::List => {
            for person in control.test_people().map_err(|e| e.to_string())? {
                out::line(line(&person, now()));
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Remove { ids } => {
            let mut code = ExitCode::SUCCESS;
            for id in ids {
                if control.remove_person(id).map_err(|e| e.to_string())? {
                    audited(&args.data, "registry_remove", "", checked(id)?)?;
                    out::complain(format!("{id}: removed."));
                } else {
                    out::complain("There is no such person.");
                    code = ExitCode::from(1);
                }
            }
            Ok(code)
        }
    }
}

struct Registry<'r> {
    data: &'r Path,
    control: &'r Control,
    secrets: &'r Secrets,
}

impl Registry<'_> {
    fn import(&self, file: &Path, who: &Who) -> Result<ExitCode, String> {
        let told = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
        let bytes = std::fs::read(file).map_err(|e| told(&e.kind()))?;
        let rows = table::rows(file, &bytes).map_err(|e| told(&e))?;
        // Keyed: a short file's own hash would tell what is in it.
        let hash = self.secrets.people.seal(&bytes);
        let source = hash.iter().take(6).fold("file:".to_owned(), |s, b| format!("{s}{b:02x}"));
        let people = People::of_folder(self.data, self.control, self.secrets, Remember::Everybody)
            .map_err(|e| e.to_string())?;
        let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), crate::clock::this_year())
            .knowing(&people);
        let mut tally = Tally::default();
        for Row { number, content_type, body } in rows {
            let message = Message { content_type, body: &body, ..Message::default() };
            let persons = inspector.message(&message).persons;
            // A whole document is one row, with many people in it.
            let of_several = persons.len() > 1;
            // People of whom nothing is read are none.
            let patients = table::patients(&body);
            if persons.is_empty() || persons.len() < patients {
                tally.nobody.push(match patients {
                    0 | 1 => number.to_string(),
                    patients => format!("{number} ({} of {patients} patients)", patients - persons.len()),
                });
            }
            for (index, person) in persons.into_iter().enumerate() {
                let place = match of_several {
                    true => format!("{number}, person {}", index + 1),
                    false => number.to_string(),
                };
                if person.known_real {
                    tally.real.push(place);
                } else if person.made_up == Some(MadeUp::Listed) {
                    tally.already += 1;
                } else if person.tags.is_empty() {
                    tally.unnamed.push(place);
                } else {
                    let tags = person.tags.into_iter().map(|(word, tag)| (word.to_owned(), tag)).collect();
                    self.propose(tags, &source, who, &format!("{} {place}", table::WORD), &mut tally)?;
                }
            }
        }
        Ok(tally.tell())
    }

    fn propose(
        &self,
        tags: Tags,
        source: &str,
        who: &Who,
        what: &str,
        tally: &mut Tally,
    ) -> Result<(), String> {
        let now = now();
        let proposal = Proposal {
            tags,
            source: source.to_owned(),
            added_by: checked(&who.name)?.to_owned(),
            expires: now + i64::from(who.expires_days) * 86_400,
        };
        match self.control.propose(&proposal, now).map_err(|e| e.to_string())? {
            Proposed::Pending(id) => {
                self.audited("registry_propose", &id, &who.name)?;
                out::line(format!("{id}  {what}"));
                tally.pending += 1;
            }
            Proposed::Already => tally.already += 1,
            Proposed::Full => tally.full += 1,
        }
        Ok(())
    }

    fn approve(&self, ids: &[String], source: Option<&str>, by: &str) -> Result<ExitCode, String> {
        let pending: Vec<String> = match source {
            Some(source) => self
                .control
                .test_people()
                .map_err(|e| e.to_string())?
                .into_iter()
                .filter(|p| p.approved_by.is_none() && p.source == source)
                .map(|p| p.id)
                .collect(),
            None => ids.to_vec(),
        };
        let mut code = ExitCode::from(u8::from(pending.is_empty()));
        for id in &pending {
            match self.control.approve(id, by, now()).map_err(|e| e.to_string())? {
                Approved::Yes => {
                    self.audited("registry_approve", id, by)?;
                    out::complain(format!("{id}: approved."));
                }
                Approved::SamePerson => {
                    out::complain(format!("{id}: {by} proposed it; somebody else has to approve."));
                    code = ExitCode::from(1);
                }
                Approved::Unknown => {
                    out::complain("There is no such person that waits for approval.");
                    code = ExitCode::from(1);
                }
            }
        }
        Ok(code)
    }

    fn audited(&self, action: &str, id: &str, by: &str) -> Result<(), String> {
        audited(self.data, action, "", &format!("{id} as {by}"))
    }
}

/// What became of the people of one command.
#[derive(Default)]
struct Tally {
    pending: usize,
    already: usize,
    full: usize,
    real: Vec<String>,
    unnamed: Vec<String>,
    /// Where nobody is told, or fewer than there are patients.
    nobody: Vec<String>,
}

impl Tally {
    fn tell(&self) -> ExitCode {
        let list = |rows: &[String]| {
            let shown: Vec<&str> = rows.iter().take(ROWS_SHOWN).map(String::as_str).collect();
            let more = if rows.len() > ROWS_SHOWN { "; ..." } else { "" };
            format!("{} {}{more}", table::WORD, shown.join("; "))
        };
        out::complain(format!(
            "{} wait for approval by somebody else; {} were there already.",
            self.pending, self.already
        ));
        if self.full > 0 {
            out::complain(format!("registry_full: {} were not taken; people_max is reached.", self.full));
        }
        if !self.real.is_empty() {
            out::complain(format!(
                "known_real: {} were rejected, production knows them: {}.",
                self.real.len(),
                list(&self.real)
            ));
        }
        if !self.unnamed.is_empty() {
            out::complain(format!(
                "{} were not taken: a given and a family name and a whole birth date or a number are needed: {}.",
                self.unnamed.len(),
                list(&self.unnamed)
            ));
        }
        if !self.unnamed.is_empty() || !self.nobody.is_empty() {
            out::complain(KEYS_READ);
        }
        if !self.nobody.is_empty() {
            out::complain(format!("Nobody, or not everybody, is read in: {}.", list(&self.nobody)));
        }
        let all = self.full == 0 && self.real.is_empty() && (self.pending + self.already > 0);
        ExitCode::from(u8::from(!all))
    }
}

fn line(person: &TestPerson, now: i64) -> String {
    let state = match &person.approved_by {
        _ if person.expires <= now => "expired".to_owned(),
        Some(by) => format!(
            "approved by {by}, expires {}",
            crate::clock::day(u64::try_from(person.expires).unwrap_or(0) * 1000)
        ),
        None => "pending".to_owned(),
    };
    format!("{}  {:<22} {:<24} by {:<16} {state}", person.id, person.source, person.tuples, person.added_by)
}

/// How what is there may still not be read.
const KEYS_READ: &str = "Values are read by the names of columns and keys: first_name, last_name, birth_date (or dob), mrn, member_id, ssn and the like; in FHIR by its elements.";
/// Rows that one sentence names.
const ROWS_SHOWN: usize = 20;
