//! The columns of a table, from the statement that made it (<https://www.sqlite.org/lang_createtable.html>).

/// The columns of a table.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Columns {
    /// Their names, in the order of the values of a row.
    pub(super) names: Vec<String>,
    /// Which of them is the number of the row (§1.4: `INTEGER PRIMARY KEY`).
    pub(super) number: Option<usize>,
    /// Which are of whole numbers.
    whole: Vec<bool>,
}

/// Columns of one table, at most: the limit of `SQLite` itself.
const MOST: usize = 32_767;

/// Words that begin a constraint of the table, and no column.
const CONSTRAINTS: &[&str] = &["constraint", "primary", "unique", "check", "foreign"];

/// The columns of `CREATE TABLE name (…)`; none of a table without row numbers, which is kept as an index is.
pub(super) fn of(statement: &str) -> Option<Columns> {
    let words = words(statement);
    let open = words.iter().position(|word| *word == Word::Sign('('))?;
    let (mut columns, mut depth) = (Columns::default(), 0_usize);
    let mut definition: Vec<&Word> = Vec::new();
    let mut rest = words.iter().skip(open);
    for word in rest.by_ref() {
        match word {
            Word::Sign('(') => depth += 1,
            Word::Sign(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 || (depth == 1 && *word == Word::Sign(',')) {
            columns.add(&definition);
            definition.clear();
        } else if !(definition.is_empty() && *word == Word::Sign('(')) {
            definition.push(word);
        }
        if depth == 0 || columns.names.len() >= MOST {
            break;
        }
    }
    let without = rest.any(|word| word.is("without"));
    (!without && !columns.names.is_empty()).then_some(columns)
}

impl Columns {
    fn add(&mut self, definition: &[&Word]) {
        let Some((Word::Name(name, quoted), rest)) = definition.split_first() else { return };
        if !quoted && CONSTRAINTS.iter().any(|word| name.eq_ignore_ascii_case(word)) {
            self.constrain(definition);
            return;
        }
        let say = |word: &str| rest.iter().any(|one| one.is(word));
        // A value that is computed when it is asked for is in no row.
        if say("as") && !say("stored") && !say("default") {
            return;
        }
        let whole = rest.first().is_some_and(|kind| kind.is("integer"));
        if whole && say("primary") {
            self.number = Some(self.names.len());
        }
        self.whole.push(whole);
        self.names.push(super::path::key(name).to_owned());
    }
}

impl Columns {
    /// `[CONSTRAINT name] PRIMARY KEY (id)` of one column of whole numbers makes it the number of the row.
    fn constrain(&mut self, definition: &[&Word]) {
        let mut key = definition.iter().skip_while(|word| !word.is("primary")).skip(1);
        if !key.next().is_some_and(|word| word.is("key")) {
            return;
        }
        let within: Vec<&Word> = key.skip(1).take_while(|word| ***word != Word::Sign(')')).copied().collect();
        // Behind the name, an order may stand.
        if let [Word::Name(name, _)] | [Word::Name(name, _), Word::Name(..)] = within.as_slice()
            && let Some(at) = self.names.iter().position(|known| known.eq_ignore_ascii_case(name))
            && self.whole.get(at) == Some(&true)
        {
            self.number = Some(at);
        }
    }
}

/// A word of a statement.
#[derive(Debug, Eq, PartialEq)]
enum Word {
    /// A name, key word, number or text, and whether it stands in quotes.
    Name(String, bool),
    Sign(char),
}

impl Word {
    fn is(&self, word: &str) -> bool {
        matches!(self, Self::Name(name, false) if name.eq_ignore_ascii_case(word))
    }
}

fn words(statement: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut rest = statement.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            '"' | '\'' | '`' | '[' => {
                let end = if first == '[' { ']' } else { first };
                let mut name = String::new();
                while let Some(c) = rest.next() {
                    // A quote that stands twice is one of the name.
                    if c == end && (end == ']' || rest.next_if_eq(&end).is_none()) {
                        break;
                    }
                    name.push(c);
                }
                words.push(Word::Name(name, true));
            }
            '-' if rest.peek() == Some(&'-') => while rest.next_if(|c| *c != '\n').is_some() {},
            '/' if rest.peek() == Some(&'*') => {
                let mut before = ' ';
                for c in rest.by_ref().skip(1) {
                    if before == '*' && c == '/' {
                        break;
                    }
                    before = c;
                }
            }
            _ if first.is_alphanumeric() || first == '_' => {
                let mut name = String::from(first);
                while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '$')) {
                    name.push(c);
                }
                words.push(Word::Name(name, false));
            }
            _ if first.is_whitespace() => {}
            _ => words.push(Word::Sign(first)),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(statement: &str) -> Option<(Vec<String>, Option<usize>)> {
        of(statement).map(|columns| (columns.names, columns.number))
    }

    #[test]
    fn columns_are_named_in_their_order_and_constraints_are_none() {
        let statement = "CREATE TABLE \"a(b\" (_id INTEGER PRIMARY KEY AUTOINCREMENT, [first name] TEXT DEFAULT ('a,b'), -- no, none\n\
            `e\"mail` VARCHAR(80) /* , x */ NOT NULL, 'primary' , len INT GENERATED ALWAYS AS (length(b)) VIRTUAL, s AS (1) STORED,\
            PRIMARY KEY (a, b), FOREIGN KEY (x) REFERENCES y(z))";
        let expected = ["_id", "first name", "e\"mail", "primary", "s"].map(str::to_owned).to_vec();
        assert_eq!(names(statement), Some((expected, Some(0))));
    }

    #[test]
    fn a_key_that_the_table_names_is_the_number_of_the_row() {
        let number = |statement: &str| of(statement).and_then(|columns| columns.number);
        assert_eq!(number("CREATE TABLE a(mail TEXT, `id` INTEGER NOT NULL, PRIMARY KEY(`id`))"), Some(1));
        assert_eq!(number("CREATE TABLE a(x INTEGER, CONSTRAINT k PRIMARY KEY (x ASC))"), Some(0));
        assert_eq!(number("CREATE TABLE a(x INTEGER, y INTEGER, PRIMARY KEY(x, y))"), None);
        assert_eq!(number("CREATE TABLE a(x INT, PRIMARY KEY(x))"), None);
    }

    #[test]
    fn what_has_no_rows_with_numbers_has_no_columns() {
        assert_eq!(names("CREATE TABLE a(b TEXT PRIMARY KEY) WITHOUT ROWID"), None);
        assert_eq!(names("CREATE TABLE a"), None);
        assert_eq!(names("CREATE TABLE a(b"), None);
    }
}
