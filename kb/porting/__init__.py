"""Articles of other help centres, and ours, as files: one module a format, one common fact for each article.

package.py opens what was given (a file, a folder, a zip) and says no to what would harm us; a format's module turns its
files into facts (facts.py); formats.py finds out which format it is; checking.py says what cannot be taken in. None of
them knows the database: kb/importing.py writes.
"""
