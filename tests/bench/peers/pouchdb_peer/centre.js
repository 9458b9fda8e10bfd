// The centre's end of PouchDB: express-pouchdb over LevelDB. node centre.js FOLDER PORT
'use strict'
const [folder, port] = process.argv.slice(2)
const express = require('express')
const PouchDB = require('pouchdb').defaults({ prefix: folder + '/' })
const app = express()
const options = { mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: folder + '/log.txt' }
app.use('/', require('express-pouchdb')(PouchDB, options))
app.listen(Number(port), '127.0.0.1', () => console.log('ready'))
