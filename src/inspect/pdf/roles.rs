//! Roles: what each stream of a file is for, by its own dictionary and by who refers to it.

use super::file::File;
use super::object::{Dict, Object};
use std::collections::HashMap;

/// What a stream is for. Where it is told for several things it is the one that is read most of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Unknown,
    /// Fonts, colours, functions, tables: they say nothing.
    Nothing,
    Picture,
    /// XML: metadata, forms.
    Xml,
    /// Scripts, long strings.
    Text,
    Attached,
    Glyph,
    Content,
}

/// Roles by the numbers of objects, in any revision.
#[derive(Default)]
pub(super) struct Roles<'f> {
    roles: HashMap<u32, Role>,
    /// What contents of pages are drawn with.
    resources: HashMap<u32, &'f Dict>,
}

impl<'f> Roles<'f> {
    pub(super) fn of(file: &'f File<'_>) -> Self {
        let mut roles = Self::default();
        for object in file.entries.iter().map(|entry| &entry.object).chain(&file.trailers) {
            roles.told_by(object, file);
        }
        // A list of contents may be an object of its own, and so may what has glyphs or files by their names.
        for entry in file.entries.iter().filter(|entry| entry.stream.is_none()) {
            let Some(role) = roles.roles.get(&entry.number).copied() else { continue };
            let resources = roles.resources.get(&entry.number).copied();
            for object in entry.object.list().unwrap_or_default() {
                roles.tell(object, role, resources);
            }
            if let Some(dict) = entry.object.dict().filter(|_| matches!(role, Role::Glyph | Role::Attached)) {
                dict.entries().for_each(|(_, object)| roles.tell(object, role, None));
            }
        }
        roles
    }

    fn told_by(&mut self, object: &'f Object, file: &'f File<'_>) {
        let mut waiting: Vec<(&[u8], &'f Object)> = vec![(b"", object)];
        while let Some((key, object)) = waiting.pop() {
            match object {
                Object::Dict(dict) => {
                    let is_page = dict.is("Type", "Page");
                    let resources = if is_page { resources(file, dict) } else { None };
                    for (name, object) in dict.entries() {
                        // Members of these are called as somebody likes.
                        let key = match key {
                            b"CharProcs" | b"EF" => key,
                            _ => name,
                        };
                        if let Some(role) = role(key, is_page) {
                            self.tell(object, role, resources);
                        }
                        if matches!(object, Object::Dict(_) | Object::List(_)) {
                            waiting.push((key, object));
                        }
                    }
                }
                Object::List(list) => {
                    let is_colour = matches!(list.first(), Some(Object::Name(name)) if matches!(&**name, b"ICCBased" | b"Indexed" | b"I"));
                    for object in list {
                        if is_colour {
                            self.tell(object, Role::Nothing, None);
                        }
                        if matches!(object, Object::Dict(_) | Object::List(_)) {
                            waiting.push((key, object));
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn tell(&mut self, object: &Object, role: Role, resources: Option<&'f Dict>) {
        let objects = object.list().unwrap_or(std::slice::from_ref(object));
        for object in objects {
            let Object::Ref(number) = object else { continue };
            let known = self.roles.entry(*number).or_insert(role);
            *known = role.max(*known);
            if let Some(resources) = resources.filter(|_| role == Role::Content) {
                self.resources.entry(*number).or_insert(resources);
            }
        }
    }

    /// What the contents of this number are drawn with by the page that has them.
    pub(super) fn resources_of(&self, number: u32) -> Option<&'f Dict> {
        self.resources.get(&number).copied()
    }

    pub(super) fn of_stream(&self, number: u32, dict: &Dict) -> Role {
        let (own, told) = (own(dict), self.roles.get(&number).copied().unwrap_or(Role::Unknown));
        // Whatever leads to it, a picture is one.
        if own == Role::Picture { own } else { told.max(own) }
    }
}

/// What a stream's own dictionary says that it is.
fn own(dict: &Dict) -> Role {
    let name = |key: &str| dict.get(key).and_then(Object::name).unwrap_or_default();
    let has = |key: &str| dict.get(key).is_some();
    match (name("Type"), name("Subtype")) {
        (_, b"Image") => Role::Picture,
        (_, b"Form") => Role::Content,
        (b"Metadata", _) | (_, b"XML") => Role::Xml,
        (b"EmbeddedFile", _) => Role::Attached,
        (b"ObjStm" | b"XRef" | b"CMap" | b"Halftone", _) => Role::Nothing,
        (_, b"Type1C" | b"CIDFontType0C" | b"OpenType") => Role::Nothing,
        (b"Pattern", _) | (b"", b"") if has("PatternType") => Role::Content,
        // Where a file is linearized its hints have keys of one letter.
        (b"", b"")
            if has("FunctionType")
                || has("ShadingType")
                || has("CMapName")
                || has("HalftoneType")
                || is_hints(dict) =>
        {
            Role::Nothing
        }
        (b"", b"") if has("Width") && has("Height") => Role::Picture,
        // A profile of colours.
        (b"", b"") if has("N") && has("Alternate") => Role::Nothing,
        _ => Role::Unknown,
    }
}

fn is_hints(dict: &Dict) -> bool {
    let is_hint =
        |key: &[u8]| matches!(key, [b'A'..=b'Z']) || matches!(key, b"Length" | b"Filter" | b"DecodeParms");
    dict.get("S").is_some_and(|s| s.number().is_some()) && dict.entries().all(|(key, _)| is_hint(key))
}

/// What the value of a key is for.
fn role(key: &[u8], is_page: bool) -> Option<Role> {
    Some(match key {
        b"Contents" if is_page => Role::Content,
        b"CharProcs" => Role::Glyph,
        b"JS" | b"RC" | b"V" | b"DV" => Role::Text,
        b"XFA" | b"Metadata" => Role::Xml,
        b"EF" => Role::Attached,
        b"Thumb" => Role::Picture,
        b"FontFile" | b"FontFile2" | b"FontFile3" | b"ToUnicode" | b"CIDToGIDMap" | b"CIDSet"
        | b"DestOutputProfile" | b"UseCMap" | b"JBIG2Globals" => Role::Nothing,
        _ => return None,
    })
}

/// What a page draws with: its own, or that of the pages around it.
pub(super) fn resources<'f>(file: &'f File<'_>, page: &'f Dict) -> Option<&'f Dict> {
    let mut page = page;
    for _ in 0..PARENTS_MAX {
        if let Some(resources) = file.dict_of(page, "Resources") {
            return Some(resources);
        }
        page = file.dict_of(page, "Parent")?;
    }
    None
}

/// Pages around a page.
const PARENTS_MAX: usize = 32;
