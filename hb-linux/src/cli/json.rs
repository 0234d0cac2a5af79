//! A writer for one JSON value: commas, quotes and escapes, no more.

/// Builds compact JSON text. Keys and nesting are the caller's to get right.
#[derive(Debug, Default)]
pub struct Json {
    text: String,
    /// The next member of the open object or array needs a comma before it.
    comma: bool,
}

impl Json {
    /// Nothing written yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }

    fn before(&mut self) {
        if self.comma {
            self.text.push(',');
        }
        self.comma = true;
    }

    /// Begin an object or array (`{`, `[`) as the next value.
    pub fn open(&mut self, bracket: char) -> &mut Self {
        self.before();
        self.text.push(bracket);
        self.comma = false;
        self
    }

    /// End it.
    pub fn close(&mut self, bracket: char) -> &mut Self {
        self.text.push(bracket);
        self.comma = true;
        self
    }

    /// The next member's key; its value must follow.
    pub fn key(&mut self, key: &str) -> &mut Self {
        self.before();
        self.quote(key);
        self.text.push(':');
        self.comma = false;
        self
    }

    /// A string.
    pub fn string(&mut self, value: &str) -> &mut Self {
        self.before();
        self.quote(value);
        self
    }

    /// A number.
    pub fn number(&mut self, value: u64) -> &mut Self {
        self.raw(&std::string::ToString::to_string(&value))
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, value: bool) -> &mut Self {
        self.raw(if value { "true" } else { "false" })
    }

    /// A string or `null`.
    pub fn maybe_string(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.string(value),
            None => self.raw("null"),
        }
    }

    /// A number or `null`.
    pub fn maybe_number(&mut self, value: Option<u64>) -> &mut Self {
        match value {
            Some(value) => self.number(value),
            None => self.raw("null"),
        }
    }

    /// A boolean or `null`.
    pub fn maybe_boolean(&mut self, value: Option<bool>) -> &mut Self {
        match value {
            Some(value) => self.boolean(value),
            None => self.raw("null"),
        }
    }

    fn raw(&mut self, text: &str) -> &mut Self {
        self.before();
        self.text.push_str(text);
        self
    }

    /// RFC 8259 §7. Everything outside printable ASCII goes as `\u`, so the text survives any locale.
    fn quote(&mut self, value: &str) {
        self.text.push('"');
        for c in value.chars() {
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                '\t' => self.text.push_str("\\t"),
                ' '..='~' => self.text.push(c),
                _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|&unit| self.escape(unit)),
            }
        }
        self.text.push('"');
    }

    fn escape(&mut self, unit: u16) {
        self.text.push_str("\\u");
        for shift in [12, 8, 4, 0] {
            let digit = u32::from((unit >> shift) & 15);
            self.text.push(char::from_digit(digit, 16).unwrap_or('0'));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_nesting() {
        let mut json = Json::new();
        json.open('{').key("a").number(1).key("b").open('[').string("x").boolean(false).open('{').close('}');
        json.close(']').key("c").maybe_number(None).key("d").open('[').close(']').close('}');
        assert_eq!(json.finish(), r#"{"a":1,"b":["x",false,{}],"c":null,"d":[]}"#);
    }

    #[test]
    fn strings_are_escaped() {
        let mut json = Json::new();
        json.string("a\"b\\c\n\t\u{1}\u{7f}\u{e4}\u{1f600}/");
        assert_eq!(json.finish(), r#""a\"b\\c\n\t\u0001\u007f\u00e4\ud83d\ude00/""#);
    }
}
