//! `phigate registry`: the organization's test people. Who they are is kept as keyed hashes alone; whoever proposes one
//! can't approve it.

use super::keys::{audited, checked, done, failed, finish, now, refused, there};
use super::out;
use super::table::{self, Row};
use crate::inspect::decode::Budget;
use crate::inspect::finding::MadeUp;
use crate::inspect::known::Remember;
use crate::inspect::{Inspector, Message, RuleSet};
use crate::people::{Asked, People};
use crate::secrets::Secrets;
use crate::store::Control;
use crate::store::registry::{Approved, Marks, Proposal, Proposed, TestPerson};
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
        /// Who takes them out.
        #[arg(long = "as", value_name = "NAME")]
        name: String,
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
    let people = People::of_folder(&args.data, &control, &secrets, Remember::Everybody);
    let people = people.map_err(|e| e.to_string())?;
    let registry = Registry { data: &args.data, control: &control, secrets: &secrets, people: &people };
    match &args.command {
        Command::Import { file, who } => registry.import(file, who),
        Command::Learn { connection, times, who } => {
            let seen = control.seen_people(checked(connection)?, *times, now()).map_err(|e| e.to_string())?;
            if seen.is_empty() {
                let counted = control.seen_connections().map_err(|e| e.to_string())?;
                out::complain(match () {
                    () if counted.is_empty() => {
                        "Nobody is counted. People are counted where [registry] has learn = true.".to_owned()
                    }
                    () if counted.contains(connection) => "No unknown person came so often.".to_owned(),
                    () => format!(
                        "Nobody is counted of a connection `{connection}`; people are counted of: {}.",
                        counted.join(", ")
                    ),
                });
                return Ok(ExitCode::from(1));
            }
            let mut tally = Tally::default();
            let source = format!("learned:{connection}");
            for (marks, times) in seen {
                registry.propose(marks, &source, who, &format!("{times} times"), &mut tally)?;
            }
            registry.tell(&tally, &source, who)
        }
        Command::Request { id, who } => {
            let id = checked(id)?;
            let Some(marks) = control.refused_person(id, now()).map_err(|e| e.to_string())? else {
                out::complain("No refusal of the last day told this id.");
                return Ok(ExitCode::from(1));
            };
            let mut tally = Tally::default();
            let source = format!("request:{id}");
            registry.propose(marks, &source, who, id, &mut tally)?;
            registry.tell(&tally, &source, who)
        }
        Command::Approve { ids, source, name } => registry.approve(ids, source.as_deref(), checked(name)?),
        Command::List => {
            for person in control.test_people().map_err(|e| e.to_string())? {
                out::line(line(&person, now()));
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Remove { ids, name } => registry.remove(ids, checked(name)?),
    }
}

struct Registry<'r> {
    data: &'r Path,
    control: &'r Control,
    secrets: &'r Secrets,
    people: &'r People,
}

impl Registry<'_> {
    fn import(&self, file: &Path, who: &Who) -> Result<ExitCode, String> {
        let told = |e: &dyn std::fmt::Display| format!("{}: {e}", file.display());
        let bytes = std::fs::read(file).map_err(|e| told(&e.kind()))?;
        let rows = table::rows(file, &bytes).map_err(|e| told(&e))?;
        // Keyed: a short file's own hash would tell what is in it.
        let hash = self.secrets.people.seal(&bytes);
        let source = hash.iter().take(6).fold("file:".to_owned(), |s, b| format!("{s}{b:02x}"));
        let inspector = Inspector::new(RuleSet::built_in(), Budget::default(), crate::clock::this_year())
            .knowing(self.people);
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
                    let what = format!("{} {place}", table::WORD);
                    self.propose(Marks::of(&person), &source, who, &what, &mut tally)?;
                }
            }
        }
        self.tell(&tally, &source, who)
    }

    /// Tells what became of them, and writes down that somebody was rejected: who tries to have real people cleared, does so.
    fn tell(&self, tally: &Tally, source: &str, who: &Who) -> Result<ExitCode, String> {
        let real = tally.real.len() + tally.known;
        if real > 0 {
            let object = format!("{source} as {}", checked(&who.name)?);
            refused(self.data, "registry_propose", &object, &format!("known_real: {real}"))?;
        }
        Ok(tally.tell())
    }

    fn propose(
        &self,
        marks: Marks,
        source: &str,
        who: &Who,
        what: &str,
        tally: &mut Tally,
    ) -> Result<(), String> {
        match self.people.ask(&marks.prints) {
            Asked::Real => {
                tally.known += 1;
                return Ok(());
            }
            Asked::Unasked => {
                tally.unasked += 1;
                return Ok(());
            }
            Asked::Unseen => {}
        }
        let now = now();
        let proposal = Proposal {
            marks,
            source: source.to_owned(),
            added_by: checked(&who.name)?.to_owned(),
            expires: now + i64::from(who.expires_days) * 86_400,
        };
        let proposed = match self.control.proposable(&proposal, now).map_err(|e| e.to_string())? {
            Proposed::Pending(id) => {
                // What can't be written down isn't done.
                self.audited("registry_propose", &id, &who.name)?;
                let object = format!("{id} as {}", who.name);
                let event = ("registry_propose", "", object.as_str());
                let proposed = done(self.data, event, self.control.propose(&id, &proposal, now))?;
                if !matches!(proposed, Proposed::Pending(_)) {
                    // Somebody else's command was quicker.
                    failed(self.data, event)?;
                }
                proposed
            }
            other => other,
        };
        match proposed {
            Proposed::Pending(id) => {
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
            let (approved, prints) = self.control.approvable(id, by, now()).map_err(|e| e.to_string())?;
            let why_not = match (approved, self.people.ask(&prints)) {
                (Approved::Unknown, _) => {
                    out::complain("There is no such person that waits for approval.");
                    code = ExitCode::from(1);
                    continue;
                }
                (Approved::SamePerson, _) => Some((
                    "approval of one's own",
                    format!("{by} proposed it; somebody else has to approve."),
                )),
                // Production may have seen the person after it was proposed.
                (Approved::Yes, Asked::Real) => {
                    Some(("known_real", "known_real: production knows this person.".to_owned()))
                }
                (Approved::Yes, Asked::Unasked) => {
                    Some(("fingerprints can't be asked", format!("{UNASKED}.")))
                }
                (Approved::Yes, Asked::Unseen) => None,
            };
            if let Some((reason, told)) = why_not {
                refused(self.data, "registry_approve", &format!("{id} as {by}"), reason)?;
                out::complain(format!("{id}: {told}"));
                code = ExitCode::from(1);
                continue;
            }
            // What can't be written down isn't done.
            self.audited("registry_approve", id, by)?;
            let object = format!("{id} as {by}");
            done(self.data, ("registry_approve", "", &object), self.control.approve(id, by, now()))?;
            out::complain(format!("{id}: approved."));
        }
        Ok(code)
    }

    fn remove(&self, ids: &[String], by: &str) -> Result<ExitCode, String> {
        let mut code = ExitCode::SUCCESS;
        for id in ids {
            let people = self.control.test_people().map_err(|e| e.to_string())?;
            if people.iter().any(|person| person.id == *id) {
                self.audited("registry_remove", id, by)?;
                let object = format!("{id} as {by}");
                done(self.data, ("registry_remove", "", &object), self.control.remove_person(id))?;
                out::complain(format!("{id}: removed."));
            } else {
                out::complain("There is no such person.");
                code = ExitCode::from(1);
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
    /// Where a fingerprint agrees, in a file.
    real: Vec<String>,
    /// Of whom nothing but hashes is there, and with whom one agrees.
    known: usize,
    /// The same, of whom it can't be asked.
    unasked: usize,
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
        if self.known > 0 {
            out::complain(format!("known_real: {} were rejected, production knows them.", self.known));
        }
        if self.unasked > 0 {
            out::complain(format!("{} were not taken: {UNASKED}.", self.unasked));
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
        let rejected = self.full + self.real.len() + self.known + self.unasked;
        let all = rejected == 0 && (self.pending + self.already > 0);
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

/// Why somebody can't be proposed or approved from what is remembered.
const UNASKED: &str = "there are fingerprints that weren't there when this person was seen: have it sent again, or import a file";
/// How what is there may still not be read.
const KEYS_READ: &str = "Values are read by the names of columns and keys: first_name, last_name, birth_date (or dob), mrn, member_id, ssn and the like; in FHIR by its elements.";
/// Rows that one sentence names.
const ROWS_SHOWN: usize = 20;
