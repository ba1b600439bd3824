"""One file a dataset: read → pure function or SQL → commit. Assets and the command line call these alike."""
