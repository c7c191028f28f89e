//! Forms that tell what they ask in one list and what was answered in another: an id joins the two, as form builders write
//! (Typeform, Wufoo, Formstack, Qualtrics). `{"fields": [{"id": "a1", "title": "Date of birth"}], "answers": [{"date": "…",
//! "field": {"id": "a1"}}]}`. Typeform's answers are found each, and not yet joined to one person.

use super::likely::{fits, is_name, is_part_of_a_name};
use super::table::{Row, normal, without_remark};
use super::{Carry, Table, Walk};
use crate::inspect::hash::Map;
use crate::inspect::kind::Kind;
use crate::inspect::walk::json::{MEMBERS_LOOKED_AT_MAX, NodeId, NodeKind};
use crate::inspect::walk::{CUE_BYTES_MAX, start_of};

/// What is asked, by the id of the field, of those questions that a row of the table answers.
pub(super) type Titles<'t> = Map<String, &'t Row>;

impl<'t> Walk<'t, '_> {
    /// The row of what a form asks elsewhere: by the field's id that is the key of the answer or, where that says nothing
    /// (`beside`), stands beside it.
    pub(super) fn by_title(&self, id: NodeId, beside: bool) -> Option<&'t Row> {
        if !self.keys.asks || self.side().is_nobody() || self.tape.kind(id) != NodeKind::String {
            return None;
        }
        let titles = self.titles.get_or_init(|| self.titles());
        let row = match beside {
            true => self.field_beside(titles),
            false if titles.is_empty() || self.keys.get(id).is_known => None,
            false => titles.get(&*self.tape.key(id)?).copied(),
        }?;
        let value = self.tape.value(id);
        let likely = match row.field.kind {
            Kind::FamilyName | Kind::GivenName => {
                is_part_of_a_name(&value) && value.starts_with(char::is_uppercase)
            }
            Kind::FullName => is_name(&value),
            kind => fits(kind, &value),
        };
        // What is asked is no answer.
        (likely && !self.table.has(&normal(&value))).then_some(row)
    }

    /// What the field asks that stands beside an answer, by its id or by the name that it goes by.
    fn field_beside(&self, titles: &Titles<'t>) -> Option<&'t Row> {
        let tape = self.tape;
        let members = |of: NodeId| tape.children(of).take(MEMBERS_LOOKED_AT_MAX);
        let field =
            members(self.frames.last()?.object).find(|child| FIELDS.contains(&self.keys.name(*child)))?;
        match tape.kind(field) {
            NodeKind::Object => {
                members(field).filter(|child| IDS.contains(&self.keys.name(*child))).find_map(|child| {
                    let value = tape.value(child);
                    let by_name = || asked(self.table, &value).filter(|_| self.keys.name(child) == "ref");
                    titles.get(&*value).copied().or_else(by_name)
                })
            }
            NodeKind::String | NodeKind::Number => titles.get(&*tape.value(field)).copied(),
            _ => None,
        }
    }

    /// All questions of the document that have an id.
    fn titles(&self) -> Titles<'t> {
        let (tape, mut titles) = (self.tape, Titles::default());
        for id in tape.nodes().filter(|id| tape.kind(*id) == NodeKind::Object) {
            let members = || tape.children(id).take(MEMBERS_LOOKED_AT_MAX);
            let text = |child: &NodeId| tape.kind(*child) == NodeKind::String;
            if LISTS.contains(&self.keys.name(id)) {
                for child in members().filter(text) {
                    if let (Some(key), Some(row)) =
                        (tape.key(child), asked(self.table, &tape.value_head(child)))
                    {
                        titles.insert(key.into_owned(), row);
                    }
                }
                continue;
            }
            let mut asking = members().filter(text).filter(|child| TITLES.contains(&self.keys.name(*child)));
            let Some(row) = asking.find_map(|title| asked(self.table, &tape.value_head(title))) else {
                continue;
            };
            for child in members().filter(|child| IDS.contains(&self.keys.name(*child))) {
                titles.insert(tape.value(child).into_owned(), row);
            }
            if let Some(key) = tape.key(id) {
                titles.insert(key.into_owned(), row);
            }
        }
        titles
    }
}

/// The row of what a question asks for: one value of an individual's.
fn asked<'t>(table: &'t Table, question: &str) -> Option<&'t Row> {
    let question = without_remark(start_of(question, CUE_BYTES_MAX));
    table.rows("", &normal(question)).find(|row| {
        row.carry == Carry::Value && row.field.when.systems.is_empty() && row.field.when.types.is_empty()
    })
}

/// The field that an answer stands beside.
const FIELDS: &[&str] = &["columnid", "field", "fieldid", "question", "questionid", "qid"];
/// What goes by which a field is called there and here.
const IDS: &[&str] = &["fieldid", "id", "key", "qid", "questionid", "ref"];
const TITLES: &[&str] = &["label", "question", "questiontext", "title"];
/// Containers of questions by their ids.
const LISTS: &[&str] = &["labels", "questions", "titles"];

#[cfg(test)]
mod tests {
    use super::super::found::each;

    #[test]
    fn an_answer_is_what_its_field_asks_elsewhere() {
        let answers =
            r#"[{"text":"Ottilie Quispe","field":{"id":"a1"}},{"date":"1971-04-02","field":{"id":"a2"}}]"#;
        let fields = r#"[{"id":"a1","title":"Full name"},{"id":"a2","title":"Date of birth"}]"#;
        each(
            &[
                r#"{"Fields":[{"ID":"Field1","Title":"First name"},{"ID":"Field2","Title":"Last name"},{"ID":"Field3","Title":"Date of birth"}],"Field1":"Ottilie","Field2":"Quispe","Field3":"1971-04-02"}"#,
                r#"{"fields":{"111":{"label":"Full name"},"112":{"label":"Date of birth"}},"data":[{"field":"111","value":"Ottilie Quispe"},{"field":"112","value":"04/02/1971"}]}"#,
                r#"{"labels":{"QID1":"Full name","QID2":"Date of birth"},"values":{"QID1":"Ottilie Quispe","QID2":"04/02/1971"}}"#,
            ],
            true,
        );
        let others = r#"[{"id":"a1","title":"Practice"},{"id":"a2","title":"Go-live date"}]"#;
        each(
            &[
                &format!(r#"{{"definition":{{"fields":{others}}},"answers":{answers}}}"#),
                &format!(r#"{{"definition":{{"fields":{fields}}},"answers":[]}}"#),
                r#"{"labels":{"QID1":"Full name","QID2":"Date of birth"},"values":{"QID1":"Full name","QID2":""}}"#,
            ],
            false,
        );
    }
}
