"""Access and portability: exports of Custom Vision data into packages on Blob Storage."""
