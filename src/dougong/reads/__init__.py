"""SELECTs that join areas: one file per screen family. Nothing here writes."""
