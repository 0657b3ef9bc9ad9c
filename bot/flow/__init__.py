"""The shell: takes hints in, moves tasks along, decides nothing by itself."""
