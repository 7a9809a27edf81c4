/* What the reader types, split and ranked as site_search.py split the pages. Loaded after
   Sphinx's searchtools.js, whose Search and Scorer it completes. */
var bookPlain = (text) =>
  text
    .toLowerCase()
    .replace(/[\u2010\u2011]/g, "-")
    .replace(/(?<=\p{N})\s*[x×]\s*(?=\p{N})/gu, "x")
    .replace(/(?<=(?<![\p{L}\p{N}_])\p{L})\s*×\s*(?=\p{L}(?![\p{L}\p{N}_]))/gu, "x");

var splitQuery = (query) => bookPlain(query).match(/[\p{L}\p{N}_]+(?:-[\p{L}\p{N}_]+)*/gu) ?? [];

(() => {
  const stemmer = new Stemmer();
  const stems = (text) => splitQuery(text).map((word) => stemmer.stemWord(word));

  /* Pages with what was asked for in their title, then glossary entries, then sections, then titles
     with some of the words, then all other pages. */
  Scorer.score = ([, title, anchor, description, score]) => {
    const asked = stems(new URLSearchParams(location.search).get("q") ?? "");
    const name = stems(title.split(" > ").pop());
    const entry = description !== null;
    const within = ` ${name.join(" ")} `.includes(` ${asked.join(" ")} `);
    const rank = entry ? 200 : anchor ? 100 : 300;
    if (within) return rank + (name.length === asked.length ? 50 : 0);
    const shared = asked.filter((word) => name.includes(word)).length / asked.length;
    return Math.max(score, 0) + (entry ? 0 : 50 * shared);
  };

  /* Sphinx lets words of one or two letters be absent from a page; here all have to be there. */
  const search = Search.performTermsSearch;
  const holds = (files, file) => [files ?? []].flat().includes(file);
  Search.performTermsSearch = (words, excluded) => {
    const { docnames, terms, titleterms } = Search._index;
    const short = [...words].filter((word) => word.length <= 2);
    return search(words, excluded).filter(([docname]) => {
      const file = docnames.indexOf(docname);
      return short.every((word) => holds(terms[word], file) || holds(titleterms[word], file));
    });
  };

  /* The lines below a result start at the words that were found: "1 × 1" is "1x1" there too. */
  const toText = Search.htmlToText;
  Search.htmlToText = (page, anchor) =>
    toText(page, anchor).replace(/(?<=\p{N})\s*×\s*(?=\p{N})/gu, "x");
})();
